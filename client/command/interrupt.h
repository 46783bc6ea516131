#pragma once

namespace kvmesh::command {

/// Makes the first SIGINT or SIGTERM wake up `wake_descriptor` (an eventfd) and be remembered; a
/// second one ends the process as usual.
void catch_interrupt(int wake_descriptor);

/// Whether one has come.
bool interrupted();

}  // namespace kvmesh::command
