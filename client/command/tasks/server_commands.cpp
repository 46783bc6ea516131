// server: functions of a named server, and its restart.
#include <kvmesh/mesh.h>

#include <memory>
#include <string>
#include <utility>

#include "client/command/base/exit_status.h"
#include "client/command/base/program.h"
#include "client/command/base/values.h"
#include "client/command/commands.h"
#include "client/command/tasks/given_values.h"
#include "client/command/tasks/server_runs.h"

namespace kvmesh::command {
namespace {

struct ServerArguments {
  ServerName server;
  std::string function;
  CLI::Option* args = nullptr;
  bool cast = false;
  bool restart = false;
};

int server(Session& session, const ServerArguments& given) {
  if (given.restart == !given.function.empty() || (given.restart && given.cast)) {
    session.complain(
        "server takes NODE NAME FUNCTION [ARGS...], or NODE NAME --restart; kvmesh modules NODE "
        "lists the servers of a node");
    return kExitUsage;
  }
  auto args = values_given(session, given.args->results());
  if (!args) return session.fail(args.status());
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  auto& mesh = (*client)->mesh();
  if (given.restart) return restart_server(session, mesh, given.server);
  return run_server(session, mesh, {given.server, given.function, *std::move(args), given.cast});
}

}  // namespace

void add_server_commands(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "server", "Call a function of a named server and print its result, or restart the server");
  auto given = std::make_shared<ServerArguments>();
  command->add_option("NODE", given->server.node, "The node that it runs on")->required();
  command->add_option("NAME", given->server.name, "Its name, as modules prints it")
      ->type_name("SERVER")
      ->required();
  command->add_option("FUNCTION", given->function, "One of its calls, or with --cast of its casts")
      ->type_name("SERVER_FUNCTION");
  given->args = add_argument_words(*command);
  command->add_flag("--cast", given->cast,
                    "Only put the call into its mailbox, and wait for no result");
  command->add_flag("--restart", given->restart,
                    "Start it anew instead, also when it was given up or has ended");
  command->callback([&session, given] {
    session.action = [&session, given] { return server(session, *given); };
  });
}

}  // namespace kvmesh::command
