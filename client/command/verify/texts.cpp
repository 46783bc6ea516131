#include "client/command/verify/texts.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "client/command/number_text.h"
#include "client/command/table.h"
#include "client/command/tsv.h"
#include "client/command/value_text.h"

namespace kvmesh::command {
namespace {

using verify::Finding;
using verify::Report;
using verify::Severity;

std::string from_text(std::size_t from, std::size_t entries) {
  if (from == entries) return entries == 1 ? "the only node" : "all " + grouped(entries) + " nodes";
  return grouped(from) + " of " + grouped(entries) + " nodes";
}

std::string hops_text(std::size_t hops_max) {
  return hops_max == 0 ? "none" : "up to " + std::to_string(hops_max);
}

// Names and paths of files may be anything.
std::string finding_text(const Finding& finding, std::size_t entries, bool color) {
  const bool fault = finding.severity() == Severity::kFault;
  const std::string label = fault ? "fault" : "warning";
  std::string out = color ? (fault ? "\x1b[31m" : "\x1b[33m") + label + ":\x1b[0m " : label + ": ";
  out += std::string{to_string(finding.kind)} + ": " + escape(finding.what) + "\n";
  for (const auto& example : finding.examples) {
    out += "    ";
    if (!example.bucket.empty()) out += "bucket " + quoted_text(example.bucket) + ": ";
    out += escape(example.way) + "\n";
  }
  const bool counts = finding.severity() == Severity::kFault && !finding.bytes.empty();
  out += "    ";
  if (counts) out += "From " + from_text(finding.from, entries) + ". ";
  return out + "To do: " + escape(finding.advice) + "\n";
}

std::string owners_text(const Report& report, bool color) {
  Table rows({{"first byte"}, {"stored at"}, {"from"}, {"hops"}});
  for (const auto& owner : report.owners) {
    rows.add({owner.bytes.to_string(), owner.node, from_text(owner.from, report.entries.size()),
              hops_text(owner.hops_max)});
  }
  return rows.to_string(color);
}

std::string owner_text(const std::vector<std::string>& owners) {
  return owners.empty() ? "(nobody)" : verify::some_of(owners);
}

std::string line_of_names(const std::string& label, const std::vector<std::string>& names) {
  return names.empty() ? "" : label + verify::some_of(names, 10) + "\n";
}

}  // namespace

std::string verdict_text(const Report& report) {
  const auto entries = report.entries.size();
  if (report.sound()) {
    const std::string at =
        entries == 1 ? report.entries.front() : "any of " + grouped(entries) + " nodes";
    return "sound: a request for any bucket that enters at " + at + " ends where it is stored";
  }
  const auto warnings = report.findings.size() - report.faults();
  return "not sound: " + verify::counted(report.faults(), "fault", "faults") +
         (warnings == 0 ? "" : " and " + verify::counted(warnings, "warning", "warnings")) +
         " in a mesh of " + grouped(report.nodes.size()) +
         (report.nodes.size() == 1 ? " node" : " nodes");
}

std::string report_text(const Report& report, bool color) {
  std::string out;
  std::array<std::size_t, verify::kKindCount> counts{};
  for (const auto& finding : report.findings) {
    const auto told = ++counts[static_cast<std::size_t>(finding.kind)];
    if (told <= kShownOfAKind) out += finding_text(finding, report.entries.size(), color);
  }
  for (std::size_t kind = 0; kind < counts.size(); ++kind) {
    if (counts[kind] <= kShownOfAKind) continue;
    out += "... and " + grouped(counts[kind] - kShownOfAKind) + " more of \"" +
           std::string{to_string(static_cast<verify::Kind>(kind))} + "\"; --json has them all\n";
  }
  if (!out.empty()) out += "\n";
  if (!report.owners.empty()) out += owners_text(report, color) + "\n";
  return out + verdict_text(report) + "\n";
}

std::string difference_text(const verify::Difference& difference, bool color) {
  std::string out =
      line_of_names("joins: ", difference.joined) + line_of_names("leaves: ", difference.left);
  if (difference.changes.empty()) return out + "no first byte changes its owner\n";
  Table rows({{"first byte"}, {"before"}, {"after"}});
  for (const auto& change : difference.changes) {
    rows.add({change.bytes.to_string(), owner_text(change.before), owner_text(change.after)});
  }
  out += rows.to_string(color);
  if (std::ranges::any_of(difference.changes, [](const auto& c) { return !c.before.empty(); })) {
    out +=
        "Buckets do not move by themselves: export those of these bytes before the tables "
        "change (kvmesh export), and import them after.\n";
  }
  return out;
}

}  // namespace kvmesh::command
