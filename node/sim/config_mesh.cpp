#include <algorithm>
#include <map>

#include "common/config/node_files.h"
#include "node/sim/shapes.h"

namespace kvmesh::sim {
namespace {

NodePlan node_of(const Settings& settings) {
  NodePlan out;
  out.name = settings.name;
  out.stores = settings.apps.kv;
  out.table = settings.kv.routing_table;
  out.is_durable = settings.is_durable();
  if (!out.is_durable) out.memory_max = settings.kv.memory_max;
  for (const auto& via : settings.mesh.vias) {
    const auto peer = std::ranges::find(settings.mesh.peers, via.peer, &PeerSettings::name);
    out.vias.push_back({via.node, static_cast<std::uint16_t>(peer - settings.mesh.peers.begin())});
  }
  return out;
}

}  // namespace

Result<std::vector<NodePlan>> read_mesh(const std::vector<std::string>& paths,
                                        std::vector<std::string>& missing) {
  const auto files = read_node_files(paths);
  if (!files) return files.status();
  std::vector<NodePlan> out;
  std::map<NodeName, NodeIndex> places;
  for (const auto& file : *files) {
    const auto& settings = file.loaded.settings;
    const auto place = static_cast<NodeIndex>(out.size());
    if (!places.emplace(settings.name, place).second) {
      return Status{StatusCode::kInvalidArgument,
                    file.path + ": name: another file is for " + settings.name.str() +
                        " as well; each node has one file and one name"};
    }
    out.push_back(node_of(settings));
  }
  for (std::size_t i = 0; i < files->size(); ++i) {
    for (const auto& peer : (*files)[i].loaded.settings.mesh.peers) {
      const auto [found, is_new] = places.emplace(peer.name, static_cast<NodeIndex>(out.size()));
      if (is_new) {
        missing.push_back(peer.name.str());
        out.emplace_back().name = peer.name;
      }
      out[i].peers.push_back(found->second);
    }
  }
  return out;
}

}  // namespace kvmesh::sim
