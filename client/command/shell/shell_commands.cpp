// The commands of the shell.
#include <array>

#include "client/command/shell/handlers.h"
#include "client/command/shell/shell.h"
#include "client/command/shell/statement.h"

namespace kvmesh::command::shell {
namespace {

constexpr auto kShellCommands = std::to_array<ShellCommand>({
    {"help", "[COMMAND]", "this list, or one line of it", 0, 1, show_help, {Names::kCommands}},

    {"nodes", "[NODE]", "the nodes that a node knows", 0, 1, show_nodes, {Names::kNodes}},
    {"node",
     "[NODE]",
     "print, or change, the node that commands are for",
     0,
     1,
     change_node,
     {Names::kNodes}},
    {"modules",
     "[NODE]",
     "the functions and servers that can be called",
     0,
     1,
     show_modules,
     {Names::kNodes}},
    {"info", "[NODE]", "what a node says of itself", 0, 1, show_info, {Names::kNodes}},
    {"ping", "[NODE]", "how long an empty call takes", 0, 1, ping_node, {Names::kNodes}},
    {"reload",
     "NODE",
     "have a node read its configuration again",
     1,
     1,
     reload_node,
     {Names::kNodes}},

    {"call",
     "[NODE] FUNCTION [ARGS...]",
     "call a function and print its result",
     1,
     kAnyNumber,
     call_function,
     {Names::kFunctionsOrNodes}},
    {"spawn",
     "[NODE] FUNCTION [ARGS...]",
     "start a process; it goes on after this shell, until it ends or is cancelled",
     1,
     kAnyNumber,
     spawn_process,
     {Names::kFunctionsOrNodes}},
    {"spawn_link",
     "[NODE] FUNCTION [ARGS...]",
     "start one that ends with this shell; its end is a message",
     1,
     kAnyNumber,
     spawn_linked,
     {Names::kFunctionsOrNodes}},
    {"async",
     "[NODE] FUNCTION [ARGS...]",
     "start a task; its result is had by await, and it ends with this shell",
     1,
     kAnyNumber,
     start_task,
     {Names::kFunctionsOrNodes}},
    {"await", "TASK [SECONDS]", "wait for the end of a task", 1, 2, await_task, {Names::kTasks}},
    {"server",
     "[--cast] [NODE] NAME FUNCTION [ARGS...], or NAME --restart",
     "call a function of a named server, or start it anew",
     2,
     kAnyNumber,
     call_server,
     {Names::kServers, Names::kServerFunctions}},
    {"tasks", "[NODE]", "the processes of a node", 0, 1, show_tasks, {Names::kNodes}},
    {"cancel",
     "PID|TASK",
     "tell a process or task to stop",
     1,
     1,
     cancel_task,
     {Names::kTasksOrPids}},

    {"self", "", "the pid of this shell", 0, 0, show_self},
    {"send",
     "PID|NAME VALUE",
     "send a message to a process or a named server",
     2,
     2,
     send_value,
     {Names::kReceivers}},
    {"receive", "[SECONDS]", "wait for the next message and print it", 0, 1, receive_message},
    {"flush", "", "print all messages that are there", 0, 0, flush_messages},
    {"monitor",
     "PID",
     "have the end of a process told by a message",
     1,
     1,
     monitor_process,
     {Names::kPids}},
    {"watch",
     "[NODE]",
     "print which peers of a node come and go, as they do",
     0,
     1,
     watch_peers,
     {Names::kNodes}},
    {"unwatch", "[NODE]", "end that", 0, 1, unwatch_peers, {Names::kNodes}},

    {"create", "BUCKET", "make an empty bucket", 1, 1, create_bucket, {Names::kBuckets}},
    {"put", "BUCKET KEY VALUE", "store a value", 3, 3, put_value, {Names::kBuckets}},
    {"get", "BUCKET KEY", "print a value", 2, 2, get_value, {Names::kBuckets}},
    {"delete", "BUCKET KEY", "remove a key", 2, 2, delete_key, {Names::kBuckets}},
    {"keys", "BUCKET", "the keys of a bucket", 1, 1, show_keys, {Names::kBuckets}},
    {"count", "BUCKET", "how many keys a bucket has", 1, 1, count_keys, {Names::kBuckets}},
    {"drop", "BUCKET", "remove a bucket with its keys", 1, 1, drop_bucket, {Names::kBuckets}},
    {"buckets",
     "[NODE]",
     "the buckets of the mesh, or those that a node stores",
     0,
     1,
     show_buckets,
     {Names::kNodes}},
    {"route", "BUCKET", "the node that a bucket belongs to", 1, 1, show_route, {Names::kBuckets}},

    {"vars", "", "the variables", 0, 0, show_variables},
    {"quit", "", "end the shell, as exit and Ctrl-D do", 0, 0, quit},
    {"exit", "", "the same", 0, 0, quit},
});

}  // namespace

std::span<const ShellCommand> shell_commands() { return kShellCommands; }

int show_help(Shell& shell, const Words& words) {
  if (words.empty()) {
    shell.session().print(help_text(shell_commands()) + std::string{language_help()});
    return 0;
  }
  const ShellCommand* command = find_command(shell_commands(), words[0].text);
  if (command == nullptr) {
    shell.session().complain("there is no such command; help lists them");
    return 2;
  }
  shell.session().print(help_text({command, 1}));
  return 0;
}

int quit(Shell& shell, const Words& /*words*/) {
  shell.quit();
  return 0;
}

}  // namespace kvmesh::command::shell
