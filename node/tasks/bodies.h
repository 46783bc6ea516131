#pragma once

#include "node/tasks/execution.h"

namespace kvmesh::tasks {

/// What a fiber does: the body of a task or of a server, whichever `execution` has. It ends with an
/// Exited, after which it does not touch `execution`.
///
/// A task is one call of its function. A server makes its state, then handles one delivery after
/// the other, until it is stopped or an exception ends it. An exception is kTaskFailed with its
/// text; kCancelled: it was stopped before it began.
void run_body(Execution& execution);

}  // namespace kvmesh::tasks
