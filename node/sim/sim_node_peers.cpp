// A simulated node reads its file again: which peers it has, and its table.
#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "node/core/topology.h"
#include "node/sim/process.h"
#include "node/sim/sim_node.h"
#include "node/sim/timing.h"

namespace kvmesh::sim {

bool SimNode::has_peer(std::uint16_t peer) const {
  const auto& places = process_->core.peer_names();
  return std::ranges::find(places, world_.plan.nodes[peer_node(peer)].name) != places.end();
}

PeerIndex SimNode::place_of(std::uint16_t peer) const {
  const auto& places = process_->core.peer_names();
  const auto place = std::ranges::find(places, world_.plan.nodes[peer_node(peer)].name);
  if (place == places.end()) std::abort();
  return {static_cast<std::uint16_t>(place - places.begin())};
}

std::uint16_t SimNode::peer_at(PeerIndex place) const {
  const auto& name = process_->core.peer_names()[place.value];
  const auto peer = std::ranges::find(plan().peers, name, [&](NodeIndex node) -> const NodeName& {
    return world_.plan.nodes[node].name;
  });
  if (peer == plan().peers.end()) std::abort();
  return static_cast<std::uint16_t>(peer - plan().peers.begin());
}

// Whether all its entries lead to this node, one of `peers` or over one of them.
bool SimNode::leads_on(const RoutingTable& table, const std::vector<NodeIndex>& peers) const {
  return std::ranges::all_of(table.entries(), [&](const RouteEntry& entry) {
    const auto is_it = [&](NodeIndex peer) { return world_.plan.nodes[peer].name == entry.node; };
    const auto leads_there = [&](const ViaPlan& via) {
      return via.node == entry.node &&
             std::ranges::find(peers, plan().peers[via.peer]) != peers.end();
    };
    return entry.node == plan().name || std::ranges::any_of(peers, is_it) ||
           std::ranges::any_of(plan().vias, leads_there);
  });
}

void SimNode::reload(const RoutingTable& table) {
  if (state_ == State::kDead) return;
  std::vector<NodeIndex> peers;
  for (std::size_t i = 0; i < plan().peers.size(); ++i) {
    if (has_peer(static_cast<std::uint16_t>(i))) peers.push_back(plan().peers[i]);
  }
  const bool right = leads_on(table, peers);
  if (right) {
    if (world_.recorder != nullptr) world_.recorder->reloaded(index_, table, now());
    world_.tables.set(index_, table);
  }
  const auto status = process_->core.set_table(table);
  if (status.ok() != right) violate("table", "takes or refuses a table: " + status.text());
}

// As Reactor::set_topology() does it: links end first, as far as the core knows of those of before.
void SimNode::set_topology(const std::vector<NodeIndex>& peers, const RoutingTable& table) {
  if (!leads_on(table, peers)) return;  // its check of the configuration would refuse it
  std::vector<NodeName> names;
  std::vector<std::uint16_t> added;
  for (std::size_t i = 0; i < plan().peers.size(); ++i) {
    const auto peer = static_cast<std::uint16_t>(i);
    const bool is_wanted = std::ranges::find(peers, plan().peers[i]) != peers.end();
    const bool is_there = has_peer(peer);
    auto& link = process_->links[i];
    if (is_wanted) names.push_back(world_.plan.nodes[plan().peers[i]].name);
    if (is_wanted && !is_there) added.push_back(peer);
    if (is_there && !is_wanted && link.state != Link::State::kWaiting) {
      end_link(peer, "it is no longer a peer");
    }
  }
  core::Topology next{core::placed(process_->core.peer_names(), names), {}, table};
  for (const auto& via : plan().vias) {
    const auto& peer = world_.plan.nodes[plan().peers[via.peer]].name;
    const auto place = std::ranges::find(next.peers, peer);
    if (place == next.peers.end()) continue;
    const auto index = static_cast<std::uint16_t>(place - next.peers.begin());
    next.vias.push_back({via.node, PeerIndex{index}});
  }
  if (world_.recorder != nullptr) world_.recorder->peers_changed(index_, peers, table, now());
  world_.tables.set(index_, table);
  const auto status = process_->core.set_topology(std::move(next));
  if (!status.ok()) violate("table", "refuses peers and a table: " + status.text());
  for (const auto peer : added) {
    world_.events.add(now() + kNodeTick, EventKind::kConnect, index_, peer, process_->life);
  }
}

}  // namespace kvmesh::sim
