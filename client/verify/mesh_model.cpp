#include "client/verify/mesh_model.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace kvmesh::verify {

bool is_its_own(const MeshNode& node, std::string_view bucket) {
  const auto found = node.table.find(bucket);
  return found && node.table.entries()[found->index].node == node.name;
}

NameSet own_names(const MeshNode& node) {
  NameSet out;
  const auto& table = node.table;
  const auto is_own = [&](const std::optional<std::size_t>& entry) {
    return entry && table.entries()[*entry].node == node.name;
  };
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (is_own(table.find(static_cast<std::uint8_t>(byte)))) {
      out.insert(static_cast<std::uint8_t>(byte));
    }
  }
  const auto left = ~table.decided_bytes();
  if (left.none()) return out;
  RouteKeys hashes;
  for (unsigned hash = 0; hash < 256; ++hash) {
    hashes.set(hash, is_own(table.find(lowest_of(left), static_cast<std::uint8_t>(hash))));
  }
  out.insert(left, hashes);
  return out;
}

const MeshNode* find_node(const MeshModel& model, std::string_view name) {
  const auto found = std::ranges::find_if(
      model.nodes, [&](const MeshNode& node) { return node.name.str() == name; });
  return found == model.nodes.end() ? nullptr : &*found;
}

MeshNode node_of(const Settings& settings, std::string source) {
  MeshNode out;
  out.name = settings.name;
  out.source = std::move(source);
  out.stores = settings.apps.kv;
  out.serves_lines = settings.apps.kv_server;
  out.listen = settings.mesh.listen;
  if (settings.apps.kv_server) out.line_listen = settings.kv_server.listen;
  out.peers = settings.mesh.peers;
  out.vias = settings.mesh.vias;
  out.table = settings.kv.routing_table;
  return out;
}

}  // namespace kvmesh::verify
