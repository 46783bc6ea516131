#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "common/routing_table.h"
#include "node/sim/plan.h"

namespace kvmesh::sim {

/// The tables of all nodes as they are now, read without the core: where must a request for a
/// bucket end? The oracle's own opinion, so it shares nothing with node/core.
class Tables {
 public:
  explicit Tables(const Plan& plan);

  /// REQUIRES: the entries lead to the node itself, its peers and those behind its vias only.
  void set(NodeIndex node, const RoutingTable& table);
  /// By what a bucket is looked up.
  struct Key {
    std::uint8_t byte = 0;
    std::uint8_t hash = 0;
  };
  /// Empty for an empty name.
  static std::optional<Key> key_of(std::string_view bucket);

  /// How often some node's way for this key may have changed: a table that was swapped for one that
  /// says the same of its byte and of its hash does not count.
  std::uint64_t version(Key key) const {
    return byte_versions_[key.byte] + hash_versions_[key.hash];
  }
  /// Where `node` passes a bucket on to; itself: it ends there. Empty: it has no entry.
  std::optional<NodeIndex> next(NodeIndex node, Key key) const {
    const auto& next = next_[node];
    const auto to =
        next.by_byte[key.byte] == kNone ? next.by_hash[key.hash] : next.by_byte[key.byte];
    return to == kNone ? std::nullopt : std::optional<NodeIndex>{to};
  }

  struct End {
    StatusCode code = StatusCode::kOk;  // kOk, kNoRoute, kRouteLoop or kTooManyHops
    NodeIndex node = 0;                 // where it ends
    std::uint32_t hops = 0;
  };
  End walk(NodeIndex from, Key key) const;
  /// Bytes that some table has an entry for; all, where one is by hash.
  std::vector<std::uint8_t> covered() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  const Plan& plan_;
  // The node to which one passes buckets of a byte, or, where that says nothing, of a hash.
  struct Next {
    Next() {
      by_byte.fill(kNone);
      by_hash.fill(kNone);
    }
    std::array<std::uint32_t, 256> by_byte;
    std::array<std::uint32_t, 256> by_hash;
  };
  std::vector<Next> next_;
  std::array<std::uint64_t, 256> byte_versions_{};
  std::array<std::uint64_t, 256> hash_versions_{};
};

}  // namespace kvmesh::sim
