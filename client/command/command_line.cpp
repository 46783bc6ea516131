#include "client/command/command_line.h"

#include <memory>
#include <string>
#include <vector>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/base/usage.h"
#include "client/command/commands.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using Add = void (*)(CLI::App&, Session&);

struct Group {
  const char* name;
  std::vector<Add> commands;
};

void add_help_command(CLI::App& app, Session& session) {
  auto* help = app.add_subcommand("help", "Print this help, or that of a command");
  auto name = std::make_shared<std::string>();
  help->add_option("COMMAND", *name, "A command");
  help->footer(exit_statuses_of_no_mesh());
  help->callback([&app, &session, name] {
    session.action = [&app, &session, name] {
      const auto named = app.get_subcommands(
          [&](const CLI::App* command) { return command->get_name() == *name; });
      if (!name->empty() && named.empty()) {
        session.complain(no_command(app, *name));
        return kExitUsage;
      }
      session.print(named.empty() ? app.help() : named.front()->help());
      return kExitOk;
    };
  });
}

void add_version_command(CLI::App& app, Session& session) {
  auto* version = app.add_subcommand("version", "Print the version");
  version->footer(exit_statuses_of_no_mesh());
  version->callback([&app, &session] {
    session.action = [&app, &session] {
      session.print_line(app.version());
      return kExitOk;
    };
  });
}

// In the order of the manual.
std::vector<Group> groups() {
  return {
      {"Buckets", {add_bucket_commands}},
      {"Keys", {add_value_commands, add_entry_commands}},
      {"Routes", {add_route_commands}},
      {"Nodes", {add_node_commands, add_reload_command}},
      {"Tasks and processes", {add_task_commands, add_server_commands, add_process_commands}},
      {"The shell", {add_shell_command}},
      {"Import and export", {add_import_command, add_export_command}},
      {"Backup", {add_backup_commands}},
      {"Security", {add_keygen_command, add_audit_command}},
      {"Proofs and load",
       {add_verify_command, add_plan_command, add_sim_command, add_bench_command}},
      {"About kvmesh", {add_help_command, add_version_command}},
  };
}

void add_groups(CLI::App& app, Session& session) {
  for (const auto& group : groups()) {
    const auto count = app.get_subcommands({}).size();
    for (const auto add : group.commands) add(app, session);
    const auto all = app.get_subcommands({});
    for (auto at = count; at < all.size(); ++at) {
      all[at]->group(group.name);
      refuse_endpoints(*all[at], session);
      all[at]->set_help_all_flag();  // that of all commands is the program's
      if (all[at]->get_footer().empty()) all[at]->footer(exit_statuses());
    }
  }
}

}  // namespace

void add_command_line(CLI::App& app, Session& session) {
  app.require_subcommand(1);
  app.fallthrough();  // --node, --timeout and --json may stand behind the command too
  app.formatter(std::make_shared<HelpFormatter>());
  add_common_options(app, session);
  add_groups(app, session);
  app.footer("kvmesh help COMMAND says more of one, and how it ends; so does kvmesh(1).");
}

void add_shell_commands(CLI::App& app, Session& session) {
  app.require_subcommand(1);
  app.fallthrough();
  app.formatter(std::make_shared<HelpFormatter>());
  add_request_options(app, session);
  add_groups(app, session);
  for (const char* name : {"call", "spawn", "send", "server", "shell", "keygen", "audit", "sim",
                           "bench", "watch", "help", "version"}) {
    app.remove_subcommand(app.get_subcommand(name));
  }
  auto* put = app.get_subcommand("put");
  put->get_option("VALUE")->description("The value; a - between quotes, or after --, is text");
  put->get_option("--stdin")->description("Not here: the shell's lines come from there");
  app.get_subcommand("import")->get_option("FILE")->description("TSV or JSON lines");
  auto* nodes = app.get_subcommand("nodes");
  nodes->remove_option(nodes->get_option("--watch"));  // it ends by an interrupt only; see watch
}

}  // namespace kvmesh::command
