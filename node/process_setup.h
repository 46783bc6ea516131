#pragma once

/// What a process that is a node must have whatever it was started from.
namespace kvmesh {

/// Unblocks the signals that a node takes (a mask is inherited), and ignores SIGPIPE and SIGXFSZ
/// unless the program handles them: no pipe, and no limit of a file's size, ends a node.
void prepare_signals();

/// Lets malloc join what is freed with what is free beside it at once. By default it gathers small
/// pieces and joins all of them when something large is asked for, which stops the process for a
/// second after ten million keys have expired.
void prepare_memory();

/// For a process that holds secret keys: no core file, and nobody of the same user may look into
/// its memory (PR_SET_DUMPABLE).
void hide_memory();

}  // namespace kvmesh
