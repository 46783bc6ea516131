#pragma once

#include <vector>

#include "common/names.h"
#include "common/routing_table.h"

namespace kvmesh::core {

/// A node that is no peer, and the peer that requests for it are passed to.
struct Via {
  NodeName node;
  PeerIndex peer;
};

/// Where a node may pass requests on to: all that a reload changes, as one value.
struct Topology {
  std::vector<NodeName> peers;  // by PeerIndex; an empty name is a free place
  std::vector<Via> vias;
  RoutingTable table;
};

/// Gives each of `peers` a place. Those that are among `before` keep theirs; the others take the
/// first places that are free, or new ones. Places are never given up, so there are at most as many
/// as there were peers at once. REQUIRES: the names differ, and none is empty. Pure.
std::vector<NodeName> placed(const std::vector<NodeName>& before,
                             const std::vector<NodeName>& peers);

}  // namespace kvmesh::core
