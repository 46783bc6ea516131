// kvmesh: the command line of a mesh. Parses, runs the chosen command's action, gives its exit
// status.
#include "client/command/commands.h"
#include "client/command/exit_status.h"
#include "client/command/program.h"

namespace kvmesh::command {
namespace {

constexpr const char* kFooter =
    "Exit status: 0 done; 1 the key is missing (get), the mesh is not sound (verify); 2 wrong "
    "usage;\n"
    "3 some of an import or export failed; 10 + the status code's number otherwise (11 not_found,\n"
    "13 no_route, 14 unavailable, ...); see kvmesh(1).";

int run(Session& session, int argc, char** argv) {
  CLI::App app{"Talks to a mesh of kvmesh nodes through any one of them.", "kvmesh"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // --node, --timeout and --json may stand behind the command too
  add_common_options(app, session);
  add_bucket_commands(app, session);
  add_value_commands(app, session);
  add_route_commands(app, session);
  add_node_commands(app, session);
  add_reload_command(app, session);
  add_task_commands(app, session);
  add_process_commands(app, session);
  add_server_commands(app, session);
  add_shell_command(app, session);
  add_import_command(app, session);
  add_export_command(app, session);
  add_bench_command(app, session);
  add_verify_command(app, session);
  add_sim_command(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return session.action();
}

}  // namespace
}  // namespace kvmesh::command

int main(int argc, char** argv) {
  return kvmesh::command::run_program(argc, argv, kvmesh::command::run);
}
