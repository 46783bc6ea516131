#pragma once

#include <chrono>

#include "client/command/verify/live_mesh.h"
#include "client/verify/verify.h"

namespace kvmesh::command {

/// Asks each node of `mesh` that stores buckets for those that its own table gives to others, which
/// no request finds there, and adds a finding for each node that holds some, or cannot be asked.
/// Blocks; each call for at most `timeout`, and for at most kCountTimeouts times that in all.
void find_strays(const LiveMesh& mesh, std::chrono::milliseconds timeout, verify::Report& report);

}  // namespace kvmesh::command
