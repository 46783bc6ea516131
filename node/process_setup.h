#pragma once

/// What a process that is a node must have whatever it was started from.
namespace kvmesh {

/// Opens /dev/null in the place of standard input, output and error where they are closed: the next
/// descriptor would get that number, and log lines would be written into a socket.
void open_standard_descriptors();

/// Unblocks the signals that a node takes (a mask is inherited), and ignores SIGPIPE unless the
/// program handles it: no pipe ends a node.
void prepare_signals();

}  // namespace kvmesh
