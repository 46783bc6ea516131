#pragma once

#include "node/tasks/execution.h"

/// What fibers do. Each ends with an Exited, behind which it does not touch `execution`.
namespace kvmesh::tasks {

/// A task: one call of its function. An exception is kTaskFailed with its text.
void run_task(Execution& execution);

/// A server: makes its state, then handles one delivery after the other, until it is stopped or an
/// exception ends it.
void run_server(Execution& execution);

}  // namespace kvmesh::tasks
