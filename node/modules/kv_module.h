#pragma once

#include "node/core/modules.h"
#include "node/store/engine.h"

namespace kvmesh::modules {

/// Defines the functions of the module `kv` (common/PROTOCOL.md, "Functions"): what a node with
/// storage does with the requests that end there. `engine` must outlive the modules, and
/// `modules` must stay where they are. The handlers are as thread-safe as the engine.
void define_kv(core::Modules& modules, store::Engine& engine);

}  // namespace kvmesh::modules
