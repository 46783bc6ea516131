// What a store must answer to calls that are about several keys.
#include <utility>

#include "node/sim/shadow.h"

namespace kvmesh::sim {
namespace {

using Kind = store::Change::Kind;

// Empty: the value is no number, or the sum is none.
std::optional<std::int64_t> sum(const Shadow::Stored* before, std::int64_t delta) {
  std::int64_t number = 0;
  if (before != nullptr) {
    if (!before->number) return std::nullopt;
    number = *before->number;
  }
  std::int64_t out = 0;
  if (__builtin_add_overflow(number, delta, &out)) return std::nullopt;
  return out;
}

}  // namespace

Shadow::Answer Shadow::see(const Bucket& bucket, const std::vector<std::uint16_t>& keys,
                           store::Moment now) {
  Answer answer;
  answer.sees = answer.changed = bucket.changed;
  answer.may_be_later = bucket.may_have_later_rev();
  for (const auto key : keys) {
    auto& seen = answer.keys.emplace_back();
    const auto at = bucket.keys.find(key);
    if (at == bucket.keys.end() || !at->second.is_there(now)) continue;
    const auto& stored = at->second;
    seen = {stored.changed, stored.text(), store::time_left(stored.expires, now)};
  }
  return answer;
}

Shadow::Answer Shadow::read(const Bucket& bucket, const Execution& execution) const {
  return see(bucket, plan_.batches[execution.request->batch].keys, execution.now);
}

Shadow::Answer Shadow::scan(const Bucket& bucket, const Execution& execution) {
  auto page = page_of(bucket, execution);
  auto answer = see(bucket, page.keys, execution.now);
  answer.page = std::move(page);
  return answer;
}

// All of it, or nothing.
Shadow::Answer Shadow::apply(Bucket& bucket, const Execution& execution) {
  const auto& request = *execution.request;
  const auto& batch = plan_.batches[request.batch];
  Answer answer;
  answer.sees = answer.changed = bucket.changed;
  answer.may_be_later = bucket.may_have_later_rev();
  const auto first = bucket.once.find(batch.once);
  if (first != bucket.once.end() && first->second.is_known(execution.now)) {
    answer.changed = first->second.changed;
    answer.may_be_later = first->second.may_be_later;
    answer.seen_at = first->second.execution;
    answer.each = first->second.each;
    return answer;
  }
  if (!execution.takes_changes) return {.code = StatusCode::kUnavailable};
  for (std::size_t i = 0; i < batch.checks.size(); ++i) {
    const auto* held = find(bucket, batch.checks[i].key, execution.now);
    const auto wanted = i < execution.checks.size() ? execution.checks[i] : 0;
    const auto rev = held == nullptr || execution.told == nullptr
                         ? std::nullopt
                         : execution.told->of(request.bucket, held->changed);
    if (wanted == 0 ? held == nullptr : rev == wanted) continue;
    answer.failed = i;
    answer.failed_changed = held == nullptr ? 0 : held->changed;
    return answer;
  }
  struct Change {
    std::uint16_t key;
    store::Event::Kind kind;
    std::optional<Stored> stored;
  };
  using Told = store::Event::Kind;
  std::vector<Change> after;
  for (const auto& change : batch.changes) {
    const auto* before = find(bucket, change.key, execution.now);
    auto& each = answer.each.emplace_back();
    each.was_there = before != nullptr;
    const auto ends = change.ttl_ms == 0 ? store::kNever : execution.now + change.ttl_ms;
    Stored stored = before == nullptr ? Stored{} : *before;
    if (change.kind == Kind::kDelete || (change.kind == Kind::kTouch && before == nullptr)) {
      if (before != nullptr) after.push_back({change.key, Told::kDelete, std::nullopt});
      continue;
    }
    if (change.kind == Kind::kAdd) {
      stored.number = each.number = sum(before, change.delta);
      if (!stored.number) return {.code = StatusCode::kInvalidArgument, .sees = bucket.changed};
    } else if (change.kind == Kind::kPut) {
      stored = {request.value, request.value_bytes, stored.since};
    }
    if (change.kind != Kind::kAdd || change.ttl_ms != 0) stored.expires = ends;
    after.push_back({change.key, change.kind == Kind::kTouch ? Told::kTouch : Told::kPut, stored});
  }
  for (const auto& [key, kind, stored] : after) {
    stored ? store(request.bucket, bucket, key, *stored) : remove(request.bucket, key);
    remember(execution, kind, key, stored ? &*stored : nullptr);
  }
  if (!after.empty()) {
    bucket.is_restored = false;
    bucket.changed = answer.sees = answer.changed = executions_;
    answer.may_be_later = false;
  }
  answer.is_change = !after.empty() || batch.once != 0;
  if (answer.is_change) answer.sees = executions_;
  if (batch.once != 0) {
    bucket.once[batch.once] = {executions_, answer.changed, answer.may_be_later, execution.now,
                               answer.each};
  }
  return answer;
}

// The first who asks is told to begin anew; whoever asks later has been told from then on.
Shadow::Answer Shadow::follow(Bucket& bucket) const {
  Answer answer;
  answer.sees = answer.changed = bucket.changed;
  answer.followed_since = bucket.followed;
  if (bucket.followed == 0) bucket.followed = executions_;
  return answer;
}

void Shadow::remember(const Execution& execution, store::Event::Kind kind, std::uint16_t key,
                      const Stored* stored) {
  if (!keeps_history_) return;
  Made made{executions_, kind, key};
  made.at = execution.now;
  if (stored != nullptr) made.expires = stored->expires;
  if (kind == store::Event::Kind::kPut && stored != nullptr) made.value = stored->text();
  state_.history[execution.request->bucket].push_back(std::move(made));
}

const Shadow::History& Shadow::history(std::uint32_t bucket) const {
  static const History kNone;
  const auto found = state_.history.find(bucket);
  return found == state_.history.end() ? kNone : found->second;
}

}  // namespace kvmesh::sim
