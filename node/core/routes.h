#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/status.h>

#include "common/names.h"
#include "common/request.h"
#include "common/routing_table.h"
#include "node/core/topology.h"

namespace kvmesh::core {

/// Where a request goes from this node.
struct Route {
  std::optional<PeerIndex> peer;    // empty: this node itself
  std::optional<RouteMatch> entry;  // the table entry that said so; only for buckets
};

/// This node's table with each entry's node looked up once, so that routing a request is two array
/// accesses at most. Immutable: a reload makes another and swaps it whole.
class Routes {
 public:
  /// kInvalidArgument when an entry names a node that is neither `self`, nor one of `peers`, nor
  /// behind a via. An empty name among `peers` is a free place, and no node. REQUIRES: all other
  /// names differ, and each via's peer is there.
  static Result<Routes> make(const NodeName& self, const std::vector<NodeName>& peers,
                             RoutingTable table, const std::vector<Via>& vias = {});

  /// kInvalidArgument: an empty bucket name; kTooLarge: one over its limit; kNoRoute: no entry, or
  /// no way to a node of that name. The text names this node, what was looked for and the table.
  Result<Route> find(const Target& target) const;

  const RoutingTable& table() const { return table_; }

 private:
  Routes() = default;
  Result<Route> find_bucket(std::string_view bucket) const;
  Result<Route> find_node(std::string_view name) const;

  std::optional<PeerIndex> way_to(std::string_view name) const;
  std::string known_nodes() const;

  NodeName self_;
  std::vector<NodeName> peers_;
  std::vector<Via> vias_;
  std::vector<std::pair<std::string, PeerIndex>> ways_;  // peers and vias, sorted by name
  RoutingTable table_;
  std::vector<std::optional<PeerIndex>> destinations_;  // of each entry of table_
};

}  // namespace kvmesh::core
