#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <kvmesh/status.h>

#include "common/wire/buffer.h"
#include "node/sim/plan.h"

namespace kvmesh::sim {

/// What one node's store must hold, told of every execution there: a plain map beside the real
/// engine. It also knows within bounds how much memory that takes, and so when the engine must
/// answer kFull, when it may, and when it must not.
class Shadow {
 public:
  Shadow(const Plan& plan, NodeIndex node) : plan_(plan), node_(node) {}

  /// One page of a bucket's keys.
  struct Page {
    std::vector<std::uint16_t> keys;  // in the order of their texts
    bool more = false;
  };
  struct Answer {
    StatusCode code = StatusCode::kOk;
    std::string result;  // msgpack
    Page page{};         // of kKeys
  };
  /// Executes `request` here and says what the node must answer. `says_full`: the engine answers
  /// kFull; when it may, the shadow agrees, and nothing changes. `after`: where the page begins
  /// that kKeys asks for.
  Answer execute(const Request& request, bool says_full,
                 std::optional<std::uint16_t> after = std::nullopt);
  void clear();

  struct Stored {
    std::uint32_t value = 0;
    std::uint32_t value_bytes = 0;
    std::uint64_t since = 0;  // the execution that made the key
  };
  using Bucket = std::map<std::uint16_t, Stored>;
  const std::unordered_map<std::uint32_t, Bucket>& buckets() const { return buckets_; }

  /// Executions so far; goes on over clear().
  std::uint64_t executions() const { return executions_; }
  /// How often the store was lost.
  std::uint64_t lives() const { return lives_; }
  /// Whether the key is there, and has been since before that execution.
  bool held_since(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const;
  /// Whether the key was there at some time since that execution.
  bool held_at_times(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const;

  /// The memory that the engine must count at least and at most.
  std::uint64_t bytes_least() const { return record_bytes_; }
  std::uint64_t bytes_most() const;

 private:
  enum class Room : std::uint8_t { kMust, kMay, kMustNot };  // take it?

  Answer put(Bucket& bucket, const Request& request, bool says_full);
  // When there are so many more bytes of keys and values, and at most so many of other memory.
  Room room_for(std::uint64_t record_bytes, std::uint64_t overhead_most) const;
  Page page_of(const Bucket& bucket, std::size_t limit, std::optional<std::uint16_t> after) const;
  void forget(std::uint32_t bucket, std::uint16_t key, const Stored& stored);
  std::string nil();

  const Plan& plan_;
  NodeIndex node_;
  std::unordered_map<std::uint32_t, Bucket> buckets_;
  std::unordered_map<std::uint64_t, std::uint64_t> gone_;  // by bucket and key: since when
  std::uint64_t record_bytes_ = 0;                         // of keys and values
  std::uint64_t overhead_most_ = 0;
  std::uint64_t executions_ = 0;
  std::uint64_t lives_ = 0;
  wire::Buffer packed_;  // scratch
};

}  // namespace kvmesh::sim
