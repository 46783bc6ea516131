#include "client/command/program.h"

#include <cstdio>
#include <exception>

#include "client/command/exit_status.h"
#include "common/standard_descriptors.h"

namespace kvmesh::command {

int run_program(int argc, char** argv, int (*run)(Session& session, int argc, char** argv)) {
  open_standard_descriptors();
  try {
    Session session;
    return session.finish_output(run(session, argc, argv));
  } catch (const std::exception& error) {  // of a library, such as for lack of memory
    std::fprintf(stderr, "kvmesh: internal: %s\n", error.what());
    return exit_status(StatusCode::kInternal);
  }
}

}  // namespace kvmesh::command
