#include "node/node_topology.h"

#include <algorithm>
#include <cstdlib>

namespace kvmesh {

NodeTopology topology_of(const Settings& settings, const std::vector<NodeName>& places) {
  const auto& peers = settings.mesh.peers;
  std::vector<NodeName> names;
  names.reserve(peers.size());
  for (const auto& peer : peers) names.push_back(peer.name);
  NodeTopology out;
  out.core.peers = core::placed(places, names);
  for (const auto& place : out.core.peers) {
    const auto peer = std::ranges::find(peers, place, &PeerSettings::name);
    out.addresses.push_back(peer == peers.end() ? mesh::PeerAddress{}
                                                : mesh::PeerAddress{peer->name, peer->address});
  }
  for (const auto& via : settings.mesh.vias) {
    const auto place = std::ranges::find(out.core.peers, via.peer);
    if (place == out.core.peers.end()) std::abort();
    const auto index = static_cast<std::uint16_t>(place - out.core.peers.begin());
    out.core.vias.push_back({via.node, PeerIndex{index}});
  }
  out.core.table = settings.kv.routing_table;
  return out;
}

}  // namespace kvmesh
