#pragma once

#include <vector>

#include "common/config/settings.h"
#include "node/core/topology.h"
#include "node/mesh/peer_links.h"

namespace kvmesh {

/// Where the requests of a node go, as its settings say, in the terms of its reactors.
struct NodeTopology {
  core::Topology core;
  std::vector<mesh::PeerAddress> addresses;  // of core.peers, by PeerIndex
};

/// `places` are the peers of before, by PeerIndex. REQUIRES: what load_settings() has checked.
NodeTopology topology_of(const Settings& settings, const std::vector<NodeName>& places);

}  // namespace kvmesh
