#pragma once

#include <kvmesh/client.h>

#include <vector>

namespace kvmesh::command {

/// Outcomes of operations that only read, so that what failed for a passing reason can be repeated:
/// a few times, and alone, lest a large batch fails for its size again. Once one does not succeed
/// so, the others of the batch that failed are not repeated. Blocks; ends as kCancelled when the
/// command is broken off (interrupts.h). REQUIRES: all are repeatable (common/functions.h).
std::vector<Outcome> read_patiently(Client& client, std::vector<Operation> operations,
                                    Timeout timeout);

}  // namespace kvmesh::command
