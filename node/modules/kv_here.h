#pragma once

#include "node/core/function_registry.h"

namespace kvmesh::modules {

/// Defines `kv.here` (common/PROTOCOL.md, "Functions"): what this node itself holds of a bucket is
/// read or changed, wherever tables lead. It runs the functions of `kv` that `modules` has.
void define_kv_here(core::FunctionRegistry& modules);

}  // namespace kvmesh::modules
