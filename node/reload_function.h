#pragma once

#include <functional>

#include <kvmesh/node.h>
#include <kvmesh/status.h>

#include "node/core/core.h"
#include "node/core/function_registry.h"

namespace kvmesh {

/// Begins a reload that ends with complete_reload(), but not at once.
using BeginReload = std::function<void(core::Call::Ticket)>;

/// Defines node.reload (common/PROTOCOL.md, "Functions").
void define_reload(core::FunctionRegistry& registry, BeginReload begin);

/// The answer: what was done, or why nothing was. A text that is too long ends with how many lines
/// are left out. On the core's thread.
void complete_reload(core::Core& core, core::Call::Ticket ticket,
                     const Result<Node::Reloaded>& report);

}  // namespace kvmesh
