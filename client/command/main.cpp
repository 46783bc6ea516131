// kvmesh: the command line of a mesh. Parses, runs the chosen command's action, gives its exit
// status.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/base/exit_status.h"
#include "client/command/base/program.h"
#include "client/command/base/usage.h"
#include "client/command/commands.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

constexpr const char* kFooter =
    "Exit status: 0 done; 1 the key is missing (get), the mesh is not sound (verify); 2 wrong "
    "usage;\n"
    "3 a part is missing or failed (import, export, buckets, bench --keep-going); 10 + the status "
    "code's\n"
    "number otherwise (11 not_found, 13 no_route, 14 unavailable, ...); see kvmesh(1).";

// `kvmesh help get` is `kvmesh get --help`, that of programs of their own included.
std::vector<char*> as_options(int argc, char** argv) {
  static char help_option[] = "--help";
  std::vector<char*> words{argv, argv + argc};
  int at = 1;  // after the options
  while (at < argc && *argv[at] == '-') {
    const std::string_view option{argv[at]};
    at += option == "--node" || option == "--timeout" ? 2 : 1;
  }
  if (at >= argc || argc - at > 2 || std::string_view{argv[at]} != "help") return words;
  words.erase(words.begin() + at);
  words.push_back(help_option);
  return words;
}

void add_help_commands(CLI::App& app, Session& session) {
  auto* help = app.add_subcommand("help", "Print this help, or that of a command");
  auto name = std::make_shared<std::string>();
  help->add_option("COMMAND", *name, "A command");
  help->callback([&app, &session, name] {
    session.action = [&app, &session, name] {
      const auto named = app.get_subcommands(
          [&](const CLI::App* command) { return command->get_name() == *name; });
      if (!name->empty() && named.empty()) {
        session.complain("no command " + in_quotes(*name) + "; kvmesh --help lists them");
        return kExitUsage;
      }
      session.print(named.empty() ? app.help() : named.front()->help());
      return kExitOk;
    };
  });
  app.add_subcommand("version", "Print the version")->callback([&app, &session] {
    session.action = [&app, &session] {
      session.print_line(app.version());
      return kExitOk;
    };
  });
}

int run(Session& session, int argc, char** argv) {
  CLI::App app{"Talks to a mesh of kvmesh nodes through any one of them.", "kvmesh"};
  app.require_subcommand(1);
  app.fallthrough();  // --node, --timeout and --json may stand after the command too
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
  add_help_commands(app, session);
  app.footer(kFooter);
  for (auto* command : app.get_subcommands({})) {
    command->footer("--node, --timeout and --json stand here too: kvmesh --help");
  }
  auto words = as_options(argc, argv);
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& error) {
    return end_parse(session, app, error);
  }
  return session.action();
}

}  // namespace
}  // namespace kvmesh::command

int main(int argc, char** argv) {
  return kvmesh::command::run_program(argc, argv, kvmesh::command::run);
}
