// What stores execute and tell, held against what they must.
#include <algorithm>
#include <utility>

#include "node/sim/judge.h"
#include "node/sim/oracle.h"

namespace kvmesh::sim {

const std::vector<store::Revision>& Oracle::checks(std::uint32_t number) {
  const auto& request = plan_.requests[number];
  auto& out = checks_[number];
  out.clear();
  for (const auto& check : plan_.batches[request.batch].checks) {
    const auto told = revisions_.find({request.bucket, check.key});
    out.push_back(check.is_absent || told == revisions_.end() ? 0 : told->second);
  }
  return out;
}

Shadow::Answer Oracle::execute(std::uint32_t number, NodeIndex node, store::Moment moment,
                               bool takes_changes, bool says_full) {
  Execution execution;
  execution.request = &plan_.requests[number];
  execution.now = moment;
  execution.takes_changes = takes_changes;
  if (lists(execution.request->operation)) execution.after = scans_.after(number);
  if (execution.request->operation == Operation::kApply) {
    execution.told = &told_[node];
    const auto asked = checks_.find(number);
    if (asked != checks_.end()) execution.checks = asked->second;
  }
  const auto promised = promised_.find(node);
  if (promised != promised_.end()) promised->second.executed(execution);
  return shadows_[node].execute(execution, says_full);
}

// It has happened.
void Oracle::note(std::uint32_t number, NodeIndex node, const Shadow::Answer& must,
                  std::uint32_t hops) {
  if (lists(plan_.requests[number].operation) && must.code == StatusCode::kOk) {
    scans_.executed(number, node, shadows_[node], must.page);
  }
  check_place(number, node);
  check_order(number, node);
  auto& record = records_[number];
  record.is_executed = true;
  ++figures_.executed;
  ++figures_.hops[std::min<std::size_t>(hops, limits::kHopsMax)];
}

// Of a call that has waited the bucket may be gone meanwhile.
std::string Oracle::judge_changes(std::uint32_t number, NodeIndex node, Shadow::Answer& must,
                                  StatusCode code, std::string_view result) {
  const auto& request = plan_.requests[number];
  const auto& shadow = shadows_[node];
  if (code == StatusCode::kOk && must.code == code) {
    return follows_.judge(number, node, shadow, must, result, told_[node]);
  }
  if (code == must.code) return {};
  if (code == StatusCode::kNotFound && !shadow.buckets().contains(request.bucket)) {
    must.sees = shadow.history(request.bucket).back().execution;
    return {};
  }
  return "is answered " + std::string{to_string(code)} + ", and must be " +
         std::string{to_string(must.code)};
}

void Oracle::judge_answer(std::uint32_t number, NodeIndex node, Shadow::Answer& must,
                          StatusCode code, std::string_view result) {
  const auto& request = plan_.requests[number];
  auto& told = told_[node];
  const auto wrong = request.operation == Operation::kChanges
                         ? judge_changes(number, node, must, code, result)
                         : judge(request, must, code, result, told);
  if (!wrong.empty()) {
    violate("store", number, wrong + "; it is the store of " + plan_.nodes[node].name.str());
  }
  auto& record = records_[number];
  record.executed_code = code;
  record.result = hash_of(result);
  const auto learn = [&](std::uint16_t key, std::uint64_t execution) {
    if (const auto rev = told.of(request.bucket, execution))
      revisions_[{request.bucket, key}] = *rev;
  };
  if (request.operation == Operation::kScan) {
    for (std::size_t i = 0; i < must.keys.size(); ++i)
      learn(must.page.keys[i], must.keys[i].changed);
  }
  if (request.operation != Operation::kRead && request.operation != Operation::kApply) return;
  const auto& batch = plan_.batches[request.batch];
  for (std::size_t i = 0; i < must.keys.size(); ++i) learn(batch.keys[i], must.keys[i].changed);
  if (must.failed) return learn(batch.checks[*must.failed].key, must.failed_changed);
  if (code == StatusCode::kOk) {
    for (const auto& change : batch.changes) learn(change.key, must.changed);
  }
}

void Oracle::executed(std::uint32_t number, NodeIndex node, std::uint64_t timeout_ms,
                      std::uint32_t hops, StatusCode code, std::string_view result, Micros now,
                      store::Moment moment) {
  check_begin(number, timeout_ms, now);
  if (!records_[number].is_asked) return;
  auto must = execute(number, node, moment, true, code == StatusCode::kFull);
  judge_answer(number, node, must, code, result);
  note(number, node, must, hops);
}

void Oracle::began(std::uint32_t number, NodeIndex node, std::uint64_t timeout_ms,
                   std::uint32_t hops, Micros now, store::Moment moment, bool takes_changes) {
  check_begin(number, timeout_ms, now);
  if (!records_[number].is_asked) return;
  auto must = execute(number, node, moment, takes_changes, false);
  records_[number].executed_code = must.code;
  note(number, node, must, hops);
  begun_[number] = std::move(must);
}

void Oracle::told(std::uint32_t number, NodeIndex node, StatusCode code, std::string_view result) {
  auto must = std::move(begun_.at(number));
  begun_.erase(number);
  judge_answer(number, node, must, code, result);
  const auto promised = promised_.find(node);
  if (promised != promised_.end()) promised->second.told(must.sees);
  if (code == StatusCode::kUnavailable) withhold(number);
}

void Oracle::withheld(std::uint32_t number) {
  if (begun_.at(number).is_change) {
    violate("not_executed", number, "is answered unavailable, and has changed what is stored");
  }
  begun_.erase(number);
  withhold(number);
}

// For those who asked it is as if it had not been executed.
void Oracle::withhold(std::uint32_t number) {
  auto& record = records_[number];
  record.is_executed = false;
  record.failures |= 1U << static_cast<unsigned>(StatusCode::kUnavailable);
}

void Oracle::crashed(NodeIndex node, const SimDisk::Content& disk, store::Moment moment) {
  ++figures_.crashes;
  const auto wrong = promised_.at(node).crashed(disk, moment, shadows_[node]);
  if (!wrong.empty()) violations_.add("restart", plan_.nodes[node].name.str() + " " + wrong);
}

}  // namespace kvmesh::sim
