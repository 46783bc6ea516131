#include "client/verify/mesh_model.h"

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
  Bytes256 left_to_hashes;
  Bytes256 hashes;
  const auto& table = node.table;
  const auto is_own = [&](const std::optional<std::size_t>& entry) {
    return entry && table.entries()[*entry].node == node.name;
  };
  for (unsigned value = 0; value < 256; ++value) {
    const auto key = static_cast<std::uint8_t>(value);
    const auto by_byte = table.find(key);
    left_to_hashes.set(key, !by_byte);
    if (is_own(by_byte)) out.insert(key);
  }
  const auto byte = left_to_hashes.none() ? std::uint8_t{0} : runs_of(left_to_hashes).front().first;
  for (unsigned value = 0; value < 256; ++value) {
    hashes.set(value, is_own(table.find(byte, static_cast<std::uint8_t>(value))));
  }
  out.insert(left_to_hashes, hashes);
  return out;
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
