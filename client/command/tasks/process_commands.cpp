// modules, tasks, server: what a node can run, what it runs, and its named servers.
#include <kvmesh/mesh.h>

#include <memory>
#include <string>
#include <utility>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "client/command/tasks/server_restart.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "common/functions.h"

namespace kvmesh::command {
namespace {

int modules(Session& session, const std::string& node) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  return show_modules(session, (*client)->mesh(), node);
}

int tasks(Session& session, const std::string& node) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  const auto told =
      (*client)->mesh().call({session.timeout(), nullptr}, node, functions::kTaskList.name);
  if (!told) return session.fail(told.status());
  session.result = *told;
  if (session.json()) {
    session.print_json(*told);
  } else {
    session.print(tasks_table(*told, color_on_stdout()));
  }
  return kExitOk;
}

int cancel(Session& session, const std::string& node, const std::string& pid) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  return cancel_process(session, (*client)->mesh(), pid, node);
}

}  // namespace

void add_process_commands(CLI::App& app, Session& session) {
  auto* modules_command =
      app.add_subcommand("modules", "Print the functions and servers that can be called on a node");
  auto asked = std::make_shared<std::string>();
  modules_command->add_option("NODE", *asked, kWhichNode);
  modules_command->callback([&session, asked] {
    session.action = [&session, asked] { return modules(session, *asked); };
  });

  auto* tasks_command =
      app.add_subcommand("tasks", "Print the processes of a node: what runs, since when, for whom");
  auto node = std::make_shared<std::string>();
  auto pid = std::make_shared<std::string>();
  tasks_command->add_option("NODE", *node, kWhichNode);
  auto* wanted = tasks_command->add_option("--cancel", *pid, "Tell this one to stop instead")
                     ->type_name("PID");
  tasks_command->callback([&session, node, pid, wanted] {
    session.action = [&session, node, pid, wanted] {
      return wanted->count() > 0 ? cancel(session, *node, *pid) : tasks(session, *node);
    };
  });
}

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
