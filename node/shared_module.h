#pragma once

#include <string>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

namespace kvmesh {

/// The module of a shared object (<kvmesh/plugin.h>), which stays loaded until the process ends.
/// kInvalidArgument, with the path and what to do: the file cannot be loaded, has no entry, was
/// built for another kvmesh or standard library, or threw.
Result<Module> load_shared_module(const std::string& path);

/// `status`, with the path of the shared object whose module it speaks of before each line.
Status in_module(const std::string& path, const Status& status);

}  // namespace kvmesh
