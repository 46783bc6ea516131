// The reports of `verify` as JSON.
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/command/transfer/json_lines.h"
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

Json json_of(const std::vector<Move>& moves) {
  Json out = Json::array();
  for (const auto& move : moves) {
    Json one{{"from", move.from},
             {"buckets", move.buckets},
             {"keys", move.keys},
             {"complete", move.status.ok()}};
    if (!move.status.ok()) one["error"] = Json::parse(error_json(move.status));
    out.push_back(std::move(one));
  }
  return out;
}

Json json_of(const std::vector<Holding>& holdings) {
  Json out = Json::array();
  for (const auto& holding : holdings) {
    out.push_back({{"node", holding.node},
                   {"buckets", holding.buckets},
                   {"keys", holding.keys},
                   {"bytes", holding.bytes}});
  }
  return out;
}

// Paths of files need not be UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string report_json(const verify::Report& report) { return text_of(json_of(report)); }

std::string difference_json(const verify::Difference& difference, const Moves* moves,
                            const verify::Report& after) {
  Json changes = Json::array();
  for (std::size_t i = 0; i < difference.changes.size(); ++i) {
    const auto& change = difference.changes[i];
    Json one{
        {"ranges", ranges_of(change.bytes)}, {"before", change.before}, {"after", change.after}};
    if (moves != nullptr) one["moves"] = json_of(moves->of_changes[i]);
    changes.push_back(std::move(one));
  }
  Json out{
      {"joined", difference.joined}, {"left", difference.left}, {"changes", std::move(changes)}};
  if (moves != nullptr) {
    out["holdings"] = json_of(moves->holdings);
    out["silent"] = Json(moves->silent);
  }
  out["after"] = json_of(after);
  return text_of(out);
}

}  // namespace kvmesh::command
