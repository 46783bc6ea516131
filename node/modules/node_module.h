#pragma once

#include <functional>

#include "common/wire/buffer.h"
#include "node/core/function_registry.h"

namespace kvmesh::modules {

/// Packs what `node.info` answers: one msgpack map.
using PackInfo = std::function<void(wire::Buffer&)>;

/// Defines the functions of the module `node`: name, ping, info (common/PROTOCOL.md, "Functions").
void define_node(core::FunctionRegistry& modules, const NodeName& self, PackInfo pack_info);

}  // namespace kvmesh::modules
