#pragma once

/// What a process that is a node must have whatever it was started from.
namespace kvmesh {

/// Unblocks the signals that a node takes (a mask is inherited), and ignores SIGPIPE unless the
/// program handles it: no pipe ends a node.
void prepare_signals();

}  // namespace kvmesh
