// modules, tasks: what a node can run, and what it runs.
#include <kvmesh/mesh.h>

#include <memory>
#include <string>

#include "client/command/base/exit_status.h"
#include "client/command/commands.h"
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

}  // namespace kvmesh::command
