#include "common/config/changes.h"

#include <algorithm>
#include <utility>

#include "common/config/schema.h"

namespace kvmesh {
namespace {

struct KnownNode {
  NodeName name;
  std::string way;
};

std::vector<KnownNode> known_nodes(const Settings& settings) {
  std::vector<KnownNode> out;
  for (const auto& peer : settings.mesh.peers) out.push_back({peer.name, peer.address});
  for (const auto& via : settings.mesh.vias) out.push_back({via.node, "via " + via.peer.str()});
  return out;
}

}  // namespace

std::vector<std::string> taken_over(const Settings& before, const Settings& after) {
  std::vector<std::string> out;
  const auto old = known_nodes(before);
  const auto now = known_nodes(after);
  for (const auto& node : now) {
    const auto same = std::ranges::find(old, node.name, &KnownNode::name);
    if (same == old.end()) {
      out.push_back("peer " + node.name.str() + " added, " + node.way);
    } else if (same->way != node.way) {
      out.push_back("peer " + node.name.str() + " changed, " + same->way + " is now " + node.way);
    }
  }
  for (const auto& node : old) {
    if (std::ranges::find(now, node.name, &KnownNode::name) != now.end()) continue;
    out.push_back("peer " + node.name.str() + " removed");
  }
  if (before.kv.routing_table != after.kv.routing_table) {
    out.push_back("the routing table is now " + after.kv.routing_table.to_string());
  }
  return out;
}

std::vector<std::string> restart_needed(const Settings& before, const Settings& after) {
  std::vector<std::string> out;
  for (const auto& key : config::schema()) {
    if (key.key == "kv.routing_table" || key.key == "mesh.peers") continue;
    const auto old = key.show(before);
    const auto now = key.show(after);
    if (old == now) continue;
    out.push_back(key.key + ": " + old + " stays until a restart; the configuration says " + now);
  }
  return out;
}

}  // namespace kvmesh
