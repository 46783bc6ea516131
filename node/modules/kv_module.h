#pragma once

#include "node/core/modules.h"
#include "node/modules/kv_work.h"
#include "node/store/engine.h"

namespace kvmesh::modules {

/// Defines the functions of the module `kv` (common/PROTOCOL.md, "Functions"): what a node with
/// storage does with the requests that end there. `engine` and `work` must outlive the modules, and
/// `modules` must stay where they are. The handlers are as thread-safe as the engine, but for
/// `work`: it gets pages of many names, and belongs to one reactor. Without it all pages are
/// answered at once, however long that takes.
void define_kv(core::Modules& modules, store::Engine& engine, KvWork* work = nullptr);

}  // namespace kvmesh::modules
