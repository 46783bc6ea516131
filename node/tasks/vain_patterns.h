#pragma once

#include <string>
#include <vector>

#include "common/config/allowed.h"
#include "node/tasks/catalogue.h"

namespace kvmesh::tasks {

/// Of the patterns of tasks.allow those that allow nothing, as no loaded module has a function or
/// server of that name: a warning each, one line, with `place` (where the key was set) and the
/// nearest name. A server is allowed by "server.function" and "server.*". Pure.
std::vector<std::string> vain_patterns(const Allowed& allow, const std::string& place,
                                       const Catalogue& catalogue);

}  // namespace kvmesh::tasks
