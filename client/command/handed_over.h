#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "client/command/base/session.h"

namespace kvmesh::command {

/// Has the program of `command`, bench or sim, print how the last of its words can go on. Returns,
/// an exit status, only when it cannot be run.
int complete_handed_over(Session& session, const CLI::App& command, std::vector<std::string> words);

}  // namespace kvmesh::command
