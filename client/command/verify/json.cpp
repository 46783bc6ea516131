// The reports of `verify` as JSON.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "client/command/base/json.h"
#include "client/command/verify/texts.h"

namespace kvmesh::command {
namespace {

// Paths of files, and names of others, need not be UTF-8.
Value bytes(const std::string& text) { return Bytes{text}; }

Value list_of(const std::vector<std::string>& texts) {
  Value::List out;
  for (const auto& text : texts) out.push_back(bytes(text));
  return out;
}

Value ranges_of(const verify::ByteSet& set) {
  Value::List out;
  for (const auto range : set.ranges()) out.emplace_back(verify::range_text(range));
  return out;
}

Value value_of(const verify::Finding& finding) {
  Value::List examples;
  for (const auto& example : finding.examples) {
    Value::Map one;
    if (!example.bucket.empty()) one.emplace_back("bucket", bytes(example.bucket));
    one.emplace_back("way", bytes(example.way));
    examples.emplace_back(std::move(one));
  }
  const bool fault = finding.severity() == verify::Severity::kFault;
  return Value::Map{{"severity", fault ? "fault" : "warning"},
                    {"kind", std::string{to_string(finding.kind)}},
                    {"what", bytes(finding.what)},
                    {"nodes", list_of(finding.nodes)},
                    {"ranges", ranges_of(finding.bytes)},
                    {"from", finding.from},
                    {"examples", std::move(examples)},
                    {"advice", bytes(finding.advice)}};
}

Value value_of(const std::vector<Move>& moves) {
  Value::List out;
  for (const auto& move : moves) {
    Value::Map one{{"from", bytes(move.from)},
                   {"buckets", move.buckets},
                   {"keys", move.keys},
                   {"complete", move.status.ok()}};
    if (!move.status.ok()) one.emplace_back("error", error_value(move.status));
    out.emplace_back(std::move(one));
  }
  return out;
}

Value value_of(const std::vector<Holding>& holdings) {
  Value::List out;
  for (const auto& holding : holdings) {
    out.emplace_back(Value::Map{{"node", bytes(holding.node)},
                                {"buckets", holding.buckets},
                                {"keys", holding.keys},
                                {"bytes", holding.bytes}});
  }
  return out;
}

}  // namespace

Value report_json(const verify::Report& report) {
  Value::List owners;
  for (const auto& owner : report.owners) {
    owners.emplace_back(Value::Map{{"ranges", ranges_of(owner.bytes)},
                                   {"node", bytes(owner.node)},
                                   {"from", owner.from},
                                   {"hops_max", owner.hops_max}});
  }
  Value::List findings;
  for (const auto& finding : report.findings) findings.push_back(value_of(finding));
  return Value::Map{{"sound", report.sound()},        {"faults", report.faults()},
                    {"nodes", list_of(report.nodes)}, {"entries", list_of(report.entries)},
                    {"owners", std::move(owners)},    {"findings", std::move(findings)}};
}

Value difference_json(const verify::Difference& difference, const Moves* moves,
                      const verify::Report& after) {
  Value::List changes;
  for (std::size_t i = 0; i < difference.changes.size(); ++i) {
    const auto& change = difference.changes[i];
    Value::Map one{{"ranges", ranges_of(change.bytes)},
                   {"before", list_of(change.before)},
                   {"after", list_of(change.after)}};
    if (moves != nullptr) one.emplace_back("moves", value_of(moves->of_changes[i]));
    changes.emplace_back(std::move(one));
  }
  Value::Map out{{"joined", list_of(difference.joined)},
                 {"left", list_of(difference.left)},
                 {"changes", std::move(changes)}};
  if (moves != nullptr) {
    out.emplace_back("holdings", value_of(moves->holdings));
    Value::Map silent;
    for (const auto& [node, why] : moves->silent) silent.emplace_back(node, bytes(why));
    out.emplace_back("silent", std::move(silent));
  }
  out.emplace_back("after", report_json(after));
  return out;
}

}  // namespace kvmesh::command
