#pragma once

#include <chrono>

#include "client/command/verify/live_mesh.h"
#include "client/command/verify/moves.h"
#include "client/verify/difference.h"
#include "client/verify/verify.h"

namespace kvmesh::command {

/// Asks each node of `mesh` that loses bytes by `difference` for its buckets of these and for their
/// keys: at its address, or over a node that knows it. What cannot be asked says so in its moves.
/// The figures are of this moment. Blocks; each call for at most its time, and for at most
/// kCountTimeouts times that in all.
Moves count_moves(const LiveMesh& mesh, const verify::Difference& difference, const Access& access);

/// Asks each node of `mesh` that stores buckets for those that its own table gives to others, which
/// no request finds there, and adds a finding for each node that holds some, or cannot be asked.
/// Blocks; each call for at most its time, and for at most kCountTimeouts times that in all.
void find_strays(const LiveMesh& mesh, const Access& access, verify::Report& report);

}  // namespace kvmesh::command
