#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/verify/name_set.h"
#include "common/config/settings.h"
#include "common/names.h"
#include "common/routing_table.h"

namespace kvmesh::security {
class Principals;
}

/// What the tables of all nodes of a mesh do together. Pure functions of values: no I/O, no clock.
namespace kvmesh::verify {

/// What must be known of a node to say where the requests go that reach it.
struct MeshNode {
  NodeName name;
  std::string source;         // where this was read: a file, or the endpoint of a running node
  bool stores = false;        // the application `kv` runs there
  bool serves_lines = false;  // so does `kv_server`
  std::string listen;         // for the mesh; empty: not known
  std::string line_listen;    // for the line protocol; empty: not known, or not served
  std::vector<PeerSettings> peers;
  std::vector<ViaSettings> vias;
  RoutingTable table;
  std::shared_ptr<const security::Principals> principals;  // null: it has no keys, or they are not
                                                           // known
};

/// Two nodes that run under one name.
struct Twins {
  std::string name;
  std::string first;  // where each was found
  std::string second;
};

/// A mesh as its configurations describe it, or as its running nodes tell it.
struct MeshModel {
  std::vector<MeshNode> nodes;
  /// Nodes that were looked for and did not answer, and why; only of a running mesh.
  std::map<std::string, std::string> silent;
  /// Names that more than one node has; only of a running mesh, of which `nodes` has the first.
  std::vector<Twins> twins;
};

/// Whether the node's own table gives the bucket to the node itself. REQUIRES: a name that is not
/// empty.
bool is_its_own(const MeshNode& node, std::string_view bucket);
/// The names of which that is so.
NameSet own_names(const MeshNode& node);

/// The first node of that name; null: there is none.
const MeshNode* find_node(const MeshModel& model, std::string_view name);

MeshNode node_of(const Settings& settings, std::string source);

}  // namespace kvmesh::verify
