#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <string>

#include "client/verify/mesh_model.h"

namespace kvmesh::command {

/// A node as its `node.info` tells it (common/PROTOCOL.md, 1.6). kProtocolError when a name, range
/// or address in it is none. Pure.
Result<verify::MeshNode> told_node(const Value& info, const std::string& source);

}  // namespace kvmesh::command
