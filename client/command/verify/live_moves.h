#pragma once

#include <chrono>

#include "client/command/verify/live_mesh.h"
#include "client/command/verify/moves.h"
#include "client/command/verify/reach.h"
#include "client/verify/difference.h"

namespace kvmesh::command {

/// Asks each node of `mesh` that loses bytes by `difference` for its buckets of these and for their
/// keys: at its address, or over a node that knows it. What cannot be asked says so in its moves.
/// The figures are of this moment. Blocks; each call for at most `timeout`, and for at most
/// kCountTimeouts times that in all.
Moves count_moves(const LiveMesh& mesh, const verify::Difference& difference,
                  std::chrono::milliseconds timeout);

}  // namespace kvmesh::command
