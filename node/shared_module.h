#pragma once

#include <functional>
#include <string>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

namespace kvmesh {

/// Hands the module of a shared object (<kvmesh/plugin.h>), which stays loaded until the process
/// ends, to `add`. kInvalidArgument, with the path and what to do: the file cannot be loaded, has
/// no entry, was built for another kvmesh or standard library, or threw; `add` is not called then.
/// Else what `add` returns, with the path before each line of its text.
Status load_shared_module(const std::string& path, const std::function<Status(Module)>& add);

}  // namespace kvmesh
