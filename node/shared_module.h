#pragma once

#include <functional>
#include <vector>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

#include "common/config/settings.h"

namespace kvmesh {

/// Hands the modules of these shared objects (<kvmesh/plugin.h>), which stay loaded until the
/// process ends, to `add`. kInvalidArgument with all that is wrong, one a line, each with the path,
/// where it was named and what to do: a file cannot be loaded, has no entry, was built for another
/// kvmesh or standard library, or threw; `add` is not called for that one. Else what `add` returns.
Status load_shared_modules(const std::vector<Settings::ModuleFile>& files,
                           const std::function<Status(Module)>& add);

}  // namespace kvmesh
