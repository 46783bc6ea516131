#include "client/verify/verify.h"

#include <algorithm>
#include <utility>

#include "client/verify/atlas.h"
#include "client/verify/checks.h"
#include "common/text.h"

namespace kvmesh::verify {
namespace {

Result<std::vector<std::uint32_t>> entry_places(const Atlas& atlas, const EntryPoints& enter) {
  std::vector<std::uint32_t> out;
  for (const auto& name : enter.from) {
    const auto place = atlas.find(name);
    if (!place) {
      return Status{StatusCode::kInvalidArgument,
                    "requests cannot enter at " + in_quotes(name) +
                        ", as there is no node of that name; name one of those described"};
    }
    out.push_back(*place);
  }
  if (enter.from.empty()) {
    for (std::uint32_t place = 0; place < atlas.size(); ++place) out.push_back(place);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

std::size_t Report::faults() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      findings, [](const Finding& finding) { return finding.severity() == Severity::kFault; }));
}

Result<Report> verify(const MeshModel& model, const EntryPoints& enter) {
  if (model.nodes.empty()) {
    return Status{StatusCode::kInvalidArgument, "no node is described; name at least one"};
  }
  const Atlas atlas{model};
  const auto entries = entry_places(atlas, enter);
  if (!entries) return entries.status();
  Report report;
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    report.nodes.push_back(atlas.name(place));
  }
  for (const auto place : *entries) report.entries.push_back(atlas.name(place));
  std::ranges::sort(report.nodes);
  std::ranges::sort(report.entries);

  const Subject subject{model, atlas, *entries};
  find_table_faults(subject, report);
  find_via_faults(subject, report.findings);
  find_key_faults(subject, report.findings);
  find_address_faults(subject, report.findings);
  find_oddities(subject, report);
  std::ranges::stable_sort(report.findings, {}, &Finding::kind);
  return report;
}

}  // namespace kvmesh::verify
