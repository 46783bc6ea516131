#pragma once

#include <array>
#include <cstdint>
#include <optional>
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
  /// How often some node's way for this byte has changed: a table that was swapped for one that
  /// says the same of it does not count.
  std::uint64_t version(std::uint8_t byte) const { return versions_[byte]; }
  /// Where `node` passes a byte on to; itself: it ends there. Empty: it has no entry.
  std::optional<NodeIndex> next(NodeIndex node, std::uint8_t byte) const {
    const auto to = next_[node][byte];
    return to == kNone ? std::nullopt : std::optional<NodeIndex>{to};
  }

  struct End {
    StatusCode code = StatusCode::kOk;  // kOk, kNoRoute, kRouteLoop or kTooManyHops
    NodeIndex node = 0;                 // where it ends
    std::uint32_t hops = 0;
  };
  End walk(NodeIndex from, std::uint8_t byte) const;
  /// Bytes that some table has an entry for.
  std::vector<std::uint8_t> covered() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  const Plan& plan_;
  std::vector<std::array<std::uint32_t, 256>> next_;  // the node that each passes a byte to
  std::array<std::uint64_t, 256> versions_{};
};

}  // namespace kvmesh::sim
