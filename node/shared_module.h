#pragma once

#include <functional>
#include <string>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

#include "common/config/settings.h"

namespace kvmesh {

/// Hands the module of a shared object (<kvmesh/plugin.h>), which stays loaded until the process
/// ends, to `add`. kInvalidArgument, with the path, where it was named and what to do: the file
/// cannot be loaded, has no entry, was built for another kvmesh or standard library, or threw;
/// `add` is not called then. Else what `add` returns, with place and path before each line of it.
Status load_shared_module(const Settings::ModuleFile& named,
                          const std::function<Status(Module)>& add);

}  // namespace kvmesh
