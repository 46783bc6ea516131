// kvmesh: the command line of a mesh. Parses, runs the chosen command's action, gives its exit
// status.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "client/command/commands.h"
#include "client/command/duration_text.h"
#include "client/command/exit_status.h"
#include "common/standard_descriptors.h"

namespace kvmesh::command {
namespace {

constexpr const char* kFooter =
    "Exit status: 0 done; 1 the key is missing (get), the mesh is not sound (verify); 2 wrong "
    "usage;\n"
    "3 some of an import or export failed; 10 + the status code's number otherwise (11 not_found,\n"
    "13 no_route, 14 unavailable, ...); see kvmesh(1).";

void add_common_options(CLI::App& app, Session& session) {
  app.add_option("--node", session.options.endpoint, "Where the node listens for the mesh")
      ->envname("KVMESH_NODE")
      ->type_name("ENDPOINT")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--timeout",
         [&session](const std::string& text) {
           const auto timeout = parse_duration(text);
           if (!timeout) {
             throw CLI::ValidationError("--timeout", "\"" + text +
                                                         "\" is no duration between 1ms and 24h; "
                                                         "write for example 500ms or 5s");
           }
           session.options.timeout = *timeout;
         },
         "How long one request may take, for example 500ms or 5s (the default)")
      ->type_name("DURATION");
  app.add_flag("--json", session.options.json, "Print JSON, one document a line");
  app.set_version_flag("--version", "kvmesh " KVMESH_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
}

int run(Session& session, int argc, char** argv) {
  // All that follows is the simulation's own, --help included.
  if (argc > 1 && std::string_view{argv[1]} == "sim") return run_sim(session, argc - 2, argv + 2);
  CLI::App app{"Talks to a mesh of kvmesh nodes through any one of them.", "kvmesh"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // --node, --timeout and --json may stand behind the command too
  add_common_options(app, session);
  add_bucket_commands(app, session);
  add_value_commands(app, session);
  add_route_commands(app, session);
  add_node_commands(app, session);
  add_task_commands(app, session);
  add_process_commands(app, session);
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

int run_and_finish(int argc, char** argv) {
  Session session;
  return session.finish_output(run(session, argc, argv));
}

}  // namespace
}  // namespace kvmesh::command

int main(int argc, char** argv) {
  kvmesh::open_standard_descriptors();
  try {
    return kvmesh::command::run_and_finish(argc, argv);
  } catch (const std::exception& error) {  // of a library, such as for lack of memory
    std::fprintf(stderr, "kvmesh: internal: %s\n", error.what());
    return kvmesh::command::exit_status(kvmesh::StatusCode::kInternal);
  }
}
