#include "client/verify/mesh_model.h"

#include <utility>

namespace kvmesh::verify {

bool is_its_own(const MeshNode& node, std::uint8_t byte) {
  const auto entry = node.table.find(byte);
  return entry && node.table.entries()[*entry].node == node.name;
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
