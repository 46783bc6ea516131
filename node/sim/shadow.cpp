#include "node/sim/shadow.h"

#include <algorithm>
#include <utility>

#include "common/wire/buffer.h"
#include "common/wire/pack.h"
#include "node/store/once_ids.h"

namespace kvmesh::sim {
namespace {

// What the engine counts beside keys and values, at most: of a key its record's sizes, what malloc
// adds, and its place in a table that may be two thirds empty; of a bucket its object and name, its
// own table and a place in another, both as empty as they may stay.
constexpr std::uint64_t kKeyBytesMost = 32 + 48;
constexpr std::uint64_t kBucketBytesMost = 1200;
// By so much it may pass its bound, as it says.
constexpr std::uint64_t kPassedMost = 300;

std::uint64_t bytes_of(std::uint16_t key, const Shadow::Stored& stored) {
  return key_text(key).size() + stored.text().size();
}

std::uint64_t place_of(std::uint32_t bucket, std::uint16_t key) {
  return std::uint64_t{bucket} << 16 | key;
}

template <typename Pack>
std::string packed(Pack pack) {
  wire::Buffer out;
  pack(out);
  return std::string{out.view()};
}

const std::string& nil() {
  static const auto kNil = packed([](wire::Buffer& out) { wire::pack_nil(out); });
  return kNil;
}

}  // namespace

bool Shadow::Once::is_known(store::Moment now) const { return at + store::OnceIds::kKeptMs > now; }

Shadow::Answer Shadow::execute(const Execution& execution, bool says_full) {
  ++executions_;
  auto answer = execute_some(execution, says_full);
  answer.execution = executions_;
  if (answer.seen_at == 0) answer.seen_at = executions_;
  if (answer.result.empty()) answer.result = nil();
  return answer;
}

Shadow::Answer Shadow::execute_some(const Execution& execution, bool says_full) {
  const auto& request = *execution.request;
  if (request.operation == Operation::kName) {
    return {StatusCode::kOk,
            packed([&](wire::Buffer& out) { wire::pack_str(out, plan_.nodes[node_].name.str()); })};
  }
  if (request.operation == Operation::kCreate) return create(execution, says_full);
  if (request.operation == Operation::kDrop && !execution.takes_changes) {
    return {.code = StatusCode::kUnavailable};
  }
  const auto found = state_.buckets.find(request.bucket);
  if (found == state_.buckets.end()) {
    const auto dropped = state_.dropped.find(request.bucket);
    return {.code = StatusCode::kNotFound,
            .sees = dropped == state_.dropped.end() ? 0 : dropped->second};
  }
  auto& bucket = found->second;
  switch (request.operation) {
    case Operation::kPut:
      return put(bucket, execution, says_full);
    case Operation::kGet:
      return get(bucket, execution);
    case Operation::kErase:
      return erase(bucket, execution);
    case Operation::kDrop:
      return drop(bucket, execution);
    case Operation::kKeys:
      return list(bucket, execution);
    case Operation::kRead:
      return read(bucket, execution);
    case Operation::kScan:
      return scan(bucket, execution);
    case Operation::kApply:
      return apply(bucket, execution);
    case Operation::kChanges:
      return follow(bucket);
    default:
      return count(bucket, execution);
  }
}

Shadow::Answer Shadow::create(const Execution& execution, bool says_full) {
  const auto id = execution.request->bucket;
  const auto found = state_.buckets.find(id);
  if (found != state_.buckets.end()) return {.sees = found->second.made};
  if (!execution.takes_changes) return {.code = StatusCode::kUnavailable};
  const auto overhead = kBucketBytesMost + plan_.buckets[id].size();
  const auto room = room_for(0, overhead);
  if (room == Room::kMustNot || (says_full && room == Room::kMay)) {
    return {.code = StatusCode::kFull};
  }
  auto& bucket = state_.buckets[id];
  bucket.made = executions_;
  state_.overhead_most += overhead;
  return changed(bucket);
}

// A value that is no longer than the one it replaces is always taken.
Shadow::Answer Shadow::put(Bucket& bucket, const Execution& execution, bool says_full) {
  const auto& request = *execution.request;
  if (!execution.takes_changes) return {.code = StatusCode::kUnavailable};
  const auto* before = find(bucket, request.key, execution.now);
  const Stored after{request.value, request.value_bytes, before == nullptr ? 0 : before->since};
  const auto bytes = bytes_of(request.key, after);
  const auto bytes_before = before == nullptr ? 0 : bytes_of(request.key, *before);
  if (bytes > bytes_before) {
    const auto room = room_for(bytes - bytes_before, before == nullptr ? kKeyBytesMost : 0);
    if (room == Room::kMustNot || (says_full && room == Room::kMay)) {
      return {.code = StatusCode::kFull, .sees = bucket.made};
    }
  }
  store(request.bucket, bucket, request.key, after);
  remember(execution, store::Event::Kind::kPut, request.key, &after);
  return changed(bucket);
}

Shadow::Answer Shadow::get(const Bucket& bucket, const Execution& execution) const {
  const auto& request = *execution.request;
  Answer answer;
  answer.sees = change_of(bucket, request.bucket, request.key);
  const auto at = bucket.keys.find(request.key);
  if (at != bucket.keys.end() && at->second.is_there(execution.now)) {
    answer.result = packed([&](wire::Buffer& out) { wire::pack_bin(out, at->second.text()); });
  }
  return answer;
}

Shadow::Answer Shadow::erase(Bucket& bucket, const Execution& execution) {
  const auto& request = *execution.request;
  if (!execution.takes_changes) return {.code = StatusCode::kUnavailable};
  if (find(bucket, request.key, execution.now) == nullptr) {
    return {.sees = change_of(bucket, request.bucket, request.key)};
  }
  remove(request.bucket, request.key);
  remember(execution, store::Event::Kind::kDelete, request.key, nullptr);
  return changed(bucket);
}

Shadow::Answer Shadow::drop(Bucket& bucket, const Execution& execution) {
  const auto id = execution.request->bucket;
  for (const auto& [key, stored] : bucket.keys) forget(id, key);
  state_.buckets.erase(id);
  state_.dropped[id] = executions_;
  remember(execution, store::Event::Kind::kDrop, 0, nullptr);
  state_.overhead_most -= kBucketBytesMost + plan_.buckets[id].size();
  return {.sees = executions_, .is_change = true};
}

Shadow::Answer Shadow::count(const Bucket& bucket, const Execution& execution) {
  const auto there = std::ranges::count_if(
      bucket.keys, [&](const auto& held) { return held.second.is_there(execution.now); });
  Answer answer;
  answer.sees = bucket.changed;
  answer.result =
      packed([&](wire::Buffer& out) { wire::pack_uint(out, static_cast<std::uint64_t>(there)); });
  if (bucket.has_ends) answer.count_most = bucket.keys.size();
  return answer;
}

Shadow::Page Shadow::page_of(const Bucket& bucket, const Execution& execution) {
  struct Name {
    std::string text;
    std::uint16_t key;
  };
  std::vector<Name> names;
  const auto& after = execution.after;
  for (const auto& [key, stored] : bucket.keys) {
    if (!stored.is_there(execution.now)) continue;
    if (!after || key_text(key) > key_text(*after)) names.push_back({key_text(key), key});
  }
  std::ranges::sort(names, {}, &Name::text);
  Page page;
  std::size_t limit = execution.request->value;
  if (limit == 0) limit = limits::kPageItemsDefault;
  for (std::size_t i = 0; i < names.size() && i < limit; ++i) page.keys.push_back(names[i].key);
  page.more = names.size() > limit;
  return page;
}

Shadow::Answer Shadow::list(const Bucket& bucket, const Execution& execution) {
  Answer answer;
  answer.sees = bucket.changed;
  answer.page = page_of(bucket, execution);
  const auto& page = answer.page;
  answer.result = packed([&](wire::Buffer& out) {
    wire::pack_array(out, 2);
    wire::pack_bool(out, page.more);
    wire::pack_array(out, page.keys.size());
    for (const auto key : page.keys) wire::pack_bin(out, key_text(key));
  });
  return answer;
}

Shadow::Answer Shadow::changed(Bucket& bucket) {
  bucket.changed = executions_;
  bucket.is_restored = false;
  return {.sees = executions_, .is_change = true};
}

Shadow::Stored* Shadow::find(Bucket& bucket, std::uint16_t key, store::Moment now) {
  const auto at = bucket.keys.find(key);
  return at == bucket.keys.end() || !at->second.is_there(now) ? nullptr : &at->second;
}

std::uint64_t Shadow::change_of(const Bucket& bucket, std::uint32_t id, std::uint16_t key) const {
  const auto at = bucket.keys.find(key);
  if (at != bucket.keys.end()) return at->second.changed;
  const auto gone = state_.gone.find(place_of(id, key));
  return gone == state_.gone.end() ? bucket.made : std::max(bucket.made, gone->second);
}

// `stored` is changed by this execution; it was there since `since`, or was not.
void Shadow::store(std::uint32_t id, Bucket& bucket, std::uint16_t key, Stored stored) {
  if (bucket.keys.contains(key)) forget(id, key);
  stored.changed = executions_;
  if (stored.since == 0) stored.since = executions_;
  if (stored.expires != store::kNever) bucket.has_ends = true;
  state_.record_bytes += bytes_of(key, stored);
  state_.overhead_most += kKeyBytesMost;
  bucket.keys[key] = stored;
}

void Shadow::forget(std::uint32_t bucket, std::uint16_t key) {
  state_.gone[place_of(bucket, key)] = executions_;
  state_.record_bytes -= bytes_of(key, state_.buckets[bucket].keys.at(key));
  state_.overhead_most -= kKeyBytesMost;
}

void Shadow::clear() {
  state_ = {};
  ++lives_;
}

void Shadow::become(const Shadow& other) {
  state_ = other.state_;
  ++lives_;
}

void Shadow::restart(std::uint64_t executions) {
  executions_ = executions;
  for (auto& [id, bucket] : state_.buckets) {
    bucket.is_restored = true;
    bucket.followed = 0;
  }
}

bool Shadow::held_since(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const {
  const auto found = state_.buckets.find(bucket);
  if (found == state_.buckets.end()) return false;
  const auto at = found->second.keys.find(key);
  return at != found->second.keys.end() && at->second.since < execution &&
         at->second.expires == store::kNever;
}

bool Shadow::held_at_times(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const {
  const auto found = state_.buckets.find(bucket);
  if (found != state_.buckets.end() && found->second.keys.contains(key)) return true;
  const auto gone = state_.gone.find(place_of(bucket, key));
  return gone != state_.gone.end() && gone->second >= execution;
}

std::uint64_t Shadow::bytes_most() const { return state_.record_bytes + state_.overhead_most; }

Shadow::Room Shadow::room_for(std::uint64_t record_bytes, std::uint64_t overhead_most) const {
  const auto memory_max = plan_.nodes[node_].memory_max;
  if (bytes_least() + record_bytes > memory_max + kPassedMost) return Room::kMustNot;
  const auto most = bytes_most() + record_bytes + overhead_most;
  return most <= memory_max ? Room::kMust : Room::kMay;
}

}  // namespace kvmesh::sim
