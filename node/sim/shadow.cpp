#include "node/sim/shadow.h"

#include <algorithm>

#include "common/wire/pack.h"

namespace kvmesh::sim {
namespace {

// What the engine counts beside keys and values, at most: of a key its record's sizes, what malloc
// adds, and its place in a table that may be two thirds empty; of a bucket its object and name, its
// own table and a place in another, both as empty as they may stay.
constexpr std::uint64_t kKeyBytesMost = 32 + 48;
constexpr std::uint64_t kBucketBytesMost = 1200;
// By so much it may pass its bound, as it says.
constexpr std::uint64_t kPassedMost = 300;

std::uint64_t bytes_of(std::uint16_t key, std::uint32_t value, std::uint32_t value_bytes) {
  return key_text(key).size() + value_text(value, value_bytes).size();
}

std::uint64_t place_of(std::uint32_t bucket, std::uint16_t key) {
  return std::uint64_t{bucket} << 16 | key;
}

}  // namespace

std::string Shadow::nil() {
  packed_.clear();
  wire::pack_nil(packed_);
  return std::string{packed_.view()};
}

Shadow::Answer Shadow::execute(const Request& request, bool says_full,
                               std::optional<std::uint16_t> after) {
  ++executions_;
  if (request.operation == Operation::kName) {
    packed_.clear();
    wire::pack_str(packed_, plan_.nodes[node_].name.str());
    return {StatusCode::kOk, std::string{packed_.view()}};
  }
  if (request.operation == Operation::kCreate) {
    if (buckets_.contains(request.bucket)) return {StatusCode::kOk, nil()};
    const auto overhead = kBucketBytesMost + plan_.buckets[request.bucket].size();
    const auto room = room_for(0, overhead);
    if (room == Room::kMustNot || (says_full && room == Room::kMay)) {
      return {StatusCode::kFull, nil()};
    }
    buckets_.try_emplace(request.bucket);
    overhead_most_ += overhead;
    return {StatusCode::kOk, nil()};
  }
  const auto found = buckets_.find(request.bucket);
  if (found == buckets_.end()) return {StatusCode::kNotFound, nil()};
  auto& bucket = found->second;
  const auto at = bucket.find(request.key);
  Answer answer{StatusCode::kOk, nil()};
  packed_.clear();
  switch (request.operation) {
    case Operation::kPut:
      return put(bucket, request, says_full);
    case Operation::kGet:
      if (at == bucket.end()) return answer;
      wire::pack_bin(packed_, value_text(at->second.value, at->second.value_bytes));
      break;
    case Operation::kErase:
      if (at == bucket.end()) return answer;
      forget(request.bucket, request.key, at->second);
      bucket.erase(at);
      return answer;
    case Operation::kDrop:
      for (const auto& [key, stored] : bucket) forget(request.bucket, key, stored);
      buckets_.erase(found);
      overhead_most_ -= kBucketBytesMost + plan_.buckets[request.bucket].size();
      return answer;
    case Operation::kKeys:
      answer.page = page_of(bucket, request.value, after);
      wire::pack_array(packed_, 2);
      wire::pack_bool(packed_, answer.page.more);
      wire::pack_array(packed_, answer.page.keys.size());
      for (const auto key : answer.page.keys) wire::pack_bin(packed_, key_text(key));
      break;
    default:
      wire::pack_uint(packed_, bucket.size());
  }
  answer.result = packed_.view();
  return answer;
}

// A value that is no longer than the one it replaces is always taken.
Shadow::Answer Shadow::put(Bucket& bucket, const Request& request, bool says_full) {
  const auto at = bucket.find(request.key);
  const bool is_new = at == bucket.end();
  const auto bytes = bytes_of(request.key, request.value, request.value_bytes);
  const auto before = is_new ? 0 : bytes_of(request.key, at->second.value, at->second.value_bytes);
  if (bytes > before) {
    const auto room = room_for(bytes - before, is_new ? kKeyBytesMost : 0);
    if (room == Room::kMustNot || (says_full && room == Room::kMay)) {
      return {StatusCode::kFull, nil()};
    }
  }
  const auto since = is_new ? executions_ : at->second.since;
  bucket[request.key] = {request.value, request.value_bytes, since};
  record_bytes_ += bytes - before;
  if (is_new) overhead_most_ += kKeyBytesMost;
  return {StatusCode::kOk, nil()};
}

Shadow::Page Shadow::page_of(const Bucket& bucket, std::size_t limit,
                             std::optional<std::uint16_t> after) const {
  struct Name {
    std::string text;
    std::uint16_t key;
  };
  std::vector<Name> names;
  for (const auto& [key, stored] : bucket) {
    if (!after || key_text(key) > key_text(*after)) names.push_back({key_text(key), key});
  }
  std::ranges::sort(names, {}, &Name::text);
  Page page;
  if (limit == 0) limit = limits::kPageItemsDefault;
  for (std::size_t i = 0; i < names.size() && i < limit; ++i) page.keys.push_back(names[i].key);
  page.more = names.size() > limit;
  return page;
}

void Shadow::forget(std::uint32_t bucket, std::uint16_t key, const Stored& stored) {
  gone_[place_of(bucket, key)] = executions_;
  record_bytes_ -= bytes_of(key, stored.value, stored.value_bytes);
  overhead_most_ -= kKeyBytesMost;
}

void Shadow::clear() {
  buckets_.clear();
  gone_.clear();
  record_bytes_ = overhead_most_ = 0;
  ++lives_;
}

bool Shadow::held_since(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return false;
  const auto at = found->second.find(key);
  return at != found->second.end() && at->second.since < execution;
}

bool Shadow::held_at_times(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const {
  const auto found = buckets_.find(bucket);
  if (found != buckets_.end() && found->second.contains(key)) return true;
  const auto gone = gone_.find(place_of(bucket, key));
  return gone != gone_.end() && gone->second >= execution;
}

std::uint64_t Shadow::bytes_most() const { return record_bytes_ + overhead_most_; }

Shadow::Room Shadow::room_for(std::uint64_t record_bytes, std::uint64_t overhead_most) const {
  const auto memory_max = plan_.nodes[node_].memory_max;
  if (bytes_least() + record_bytes > memory_max + kPassedMost) return Room::kMustNot;
  const auto most = bytes_most() + record_bytes + overhead_most;
  return most <= memory_max ? Room::kMust : Room::kMay;
}

}  // namespace kvmesh::sim
