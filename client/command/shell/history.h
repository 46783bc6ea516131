#pragma once

#include <string>

namespace kvmesh::command::shell {

/// Where the lines of earlier shells are kept: $XDG_STATE_HOME/kvmesh/history, where that variable
/// is not set or no absolute path ~/.local/state/kvmesh/history; empty without a home either. Pure;
/// the arguments are the variables, null when they are not set.
std::string history_path(const char* state_home, const char* home);

/// Makes the folder of `path`, for this user alone, with those above it. False when it cannot.
bool make_folder_of(const std::string& path);

}  // namespace kvmesh::command::shell
