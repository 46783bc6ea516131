#pragma once

#include "client/command/session.h"

namespace kvmesh::command {

/// The whole of main() around `run`, which parses and acts and gives the exit status: descriptors 0
/// to 2 are open before anything else opens one, what was printed is written, and what a library
/// throws is told.
int run_program(int argc, char** argv, int (*run)(Session& session, int argc, char** argv));

}  // namespace kvmesh::command
