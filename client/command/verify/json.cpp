// The reports of `verify` as JSON.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/command/json_lines.h"
#include "client/command/verify/texts.h"

namespace kvmesh::command {
namespace {

using Json = nlohmann::ordered_json;

Json ranges_of(const verify::ByteSet& bytes) {
  Json out = Json::array();
  for (const auto range : bytes.ranges()) out.push_back(verify::range_text(range));
  return out;
}

Json json_of(const verify::Finding& finding) {
  Json examples = Json::array();
  for (const auto& example : finding.examples) {
    Json one;
    if (!example.bucket.empty()) one["bucket"] = Json::parse(bytes_as_json(example.bucket));
    one["way"] = example.way;
    examples.push_back(std::move(one));
  }
  const bool fault = finding.severity() == verify::Severity::kFault;
  return {{"severity", fault ? "fault" : "warning"},
          {"kind", std::string{to_string(finding.kind)}},
          {"what", finding.what},
          {"nodes", finding.nodes},
          {"ranges", ranges_of(finding.bytes)},
          {"from", finding.from},
          {"examples", std::move(examples)},
          {"advice", finding.advice}};
}

Json json_of(const verify::Report& report) {
  Json owners = Json::array();
  for (const auto& owner : report.owners) {
    owners.push_back({{"ranges", ranges_of(owner.bytes)},
                      {"node", owner.node},
                      {"from", owner.from},
                      {"hops_max", owner.hops_max}});
  }
  Json findings = Json::array();
  for (const auto& finding : report.findings) findings.push_back(json_of(finding));
  return {{"sound", report.sound()},     {"faults", report.faults()},
          {"nodes", report.nodes},       {"entries", report.entries},
          {"owners", std::move(owners)}, {"findings", std::move(findings)}};
}

// Paths of files need not be UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string report_json(const verify::Report& report) { return text_of(json_of(report)); }

std::string difference_json(const verify::Difference& difference, const verify::Report& after) {
  Json changes = Json::array();
  for (const auto& change : difference.changes) {
    changes.push_back(
        {{"ranges", ranges_of(change.bytes)}, {"before", change.before}, {"after", change.after}});
  }
  return text_of({{"joined", difference.joined},
                  {"left", difference.left},
                  {"changes", std::move(changes)},
                  {"after", json_of(after)}});
}

}  // namespace kvmesh::command
