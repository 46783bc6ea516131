#pragma once

/// What a process that is a node must have whatever it was started from.
namespace kvmesh {

/// Unblocks the signals that a node takes (a mask is inherited), and ignores SIGPIPE and SIGXFSZ
/// unless the program handles them: no pipe, and no limit of a file's size, ends a node.
void prepare_signals();

}  // namespace kvmesh
