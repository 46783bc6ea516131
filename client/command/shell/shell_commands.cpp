// The commands of the shell: its own, and those of `kvmesh`; vars, help and other small ones; and
// words that several commands read in the same way.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/base/usage.h"
#include "client/command/base/values.h"
#include "client/command/command_line.h"
#include "client/command/commands.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/shell.h"
#include "client/command/shell/statement.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

constexpr auto kShellRows = std::to_array<ShellCommand>({
    {"help", "[COMMAND]", "this list, or one line of it", 0, 1, show_help, {Names::kCommands}},
    {"node",
     "[NODE]",
     "print, or change, the node that commands are for",
     0,
     1,
     change_node,
     {Names::kNodes}},
    {"vars", "", "the variables", 0, 0, show_variables},
    {"clear", "", "clear the terminal", 0, 0, clear_screen},
    {"quit", "", "end the shell, as exit and Ctrl-D do", 0, 0, quit},
    {"exit", "", "the same", 0, 0, quit},
});

constexpr ShellOption kBucket{"--bucket", "BUCKET",
                              "on the node that this bucket belongs to, which is not named then"};
constexpr ShellOption kLimit{"--limit", "DURATION",
                             "how long it may run, for example 500ms or 10m; else until it ends"};
constexpr auto kCallOptions = std::to_array<ShellOption>({kBucket});
constexpr auto kSpawnOptions = std::to_array<ShellOption>({kLimit});
constexpr auto kAsyncOptions = std::to_array<ShellOption>({kBucket, kLimit});
constexpr auto kServerOptions = std::to_array<ShellOption>({
    {"--cast", "", "only put the call into its mailbox, and wait for no result"},
    {"--restart", "", "start it anew instead, also when it was given up or has ended"},
});

constexpr auto kTaskRows = std::to_array<ShellCommand>({
    {"call",
     "[NODE] FUNCTION [ARGS...]",
     "call a function and print its result",
     1,
     kAnyNumber,
     call_function,
     {Names::kFunctionsOrNodes},
     {},
     kCallOptions},
    {"spawn",
     "[NODE] FUNCTION [ARGS...]",
     "start a process; it goes on after this shell, until it ends or is cancelled",
     1,
     kAnyNumber,
     spawn_process,
     {Names::kFunctionsOrNodes},
     {},
     kSpawnOptions},
    {"spawn_link",
     "[NODE] FUNCTION [ARGS...]",
     "start one that ends with this shell; its end is a message",
     1,
     kAnyNumber,
     spawn_linked,
     {Names::kFunctionsOrNodes},
     {},
     kSpawnOptions},
    {"async",
     "[NODE] FUNCTION [ARGS...]",
     "start a task; its result is had by await, and it ends with this shell",
     1,
     kAnyNumber,
     start_task,
     {Names::kFunctionsOrNodes},
     {},
     kAsyncOptions},
    {"await", "TASK [SECONDS]", "wait for the end of a task", 1, 2, await_task, {Names::kTasks}},
    {"server",
     "[--cast] [NODE] NAME FUNCTION [ARGS...], or NAME --restart",
     "call a function of a named server, or start it anew",
     2,
     kAnyNumber,
     call_server,
     {Names::kServers, Names::kServerFunctions},
     {},
     kServerOptions},
    {"cancel",
     "PID|TASK",
     "tell a process or task to stop",
     1,
     1,
     cancel_task,
     {Names::kTasksOrPids}},
});

constexpr ShellOption kWatchedBucket{"--bucket", "BUCKET", "of this bucket, and of no node"};
constexpr auto kWatchOptions = std::to_array<ShellOption>({
    kWatchedBucket,
    {"--prefix", "PREFIX", "only of its keys that begin so"},
});
constexpr auto kUnwatchOptions = std::to_array<ShellOption>({kWatchedBucket});

constexpr auto kMessageRows = std::to_array<ShellCommand>({
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
     "[NODE], or --bucket BUCKET [--prefix PREFIX]",
     "print which peers of a node come and go, or the changes of a bucket, as they come",
     0,
     4,
     watch_peers,
     {Names::kNodes},
     {},
     kWatchOptions},
    {"unwatch",
     "[NODE], or --bucket BUCKET",
     "end that",
     0,
     2,
     unwatch_peers,
     {Names::kNodes},
     {},
     kUnwatchOptions},
});

constexpr std::string_view kOwnGroup = "The shell";
constexpr std::string_view kTaskGroup = "Tasks and processes";
constexpr std::string_view kMessageGroup = "Messages";

// Lines to learn from, of commands whose usage does not say enough.
constexpr auto kExamples = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"call",
     "call hello.add 1 2\ncall bar@localhost hello.add 1 2\ncall --bucket shopping hello.world\n"
     "call hello.echo '--text'"},
    {"spawn", "p = spawn bar@localhost hello.greeter\nspawn --limit 10m hello.greeter"},
    {"async", "t = async hello.add 1 2\nawait $t\nt = async hello.slow\nawait $t 60"},
    {"await", "await $t\nawait $t 10\nawait $t 500ms"},
    {"server", "server counter add 1\nserver --cast counter reset\nserver counter --restart"},
    {"send", "send $p [hello, $self]\nsend counter '5'"},
    {"receive", "receive\nreceive 10\nreceive 500ms"},
    {"monitor", "monitor $p\nreceive"},
    {"watch", "watch\nwatch bar@localhost\nwatch --bucket shopping"},
    {"cancel", "cancel $p"},
});

struct Table {
  std::deque<std::string> texts;  // that rows refer to
  std::vector<ShellCommand> rows;

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }

  void add(std::span<const ShellCommand> own, std::string_view group) {
    for (auto row : own) {
      row.group = group;
      rows.push_back(row);
    }
  }

  void add(const CLI::App& command) {
    const auto usage = usage_line(command);
    const auto name = keep(command.get_name());
    const auto words = usage.size() > name.size() ? usage.substr(name.size() + 1) : "";
    rows.push_back({name,
                    keep(words),
                    keep(command.get_description()),
                    0,
                    kAnyNumber,
                    nullptr,
                    {},
                    keep(command.get_group())});
  }
};

Table all_rows() {
  Table table;
  table.add(kShellRows, kOwnGroup);
  Session session;  // nothing is run
  CLI::App tree{"", ""};
  add_shell_commands(tree, session);
  for (const auto* command : tree.get_subcommands({})) {
    const bool first_of_tasks =
        command->get_group() == kTaskGroup && table.rows.back().group != kTaskGroup;
    if (first_of_tasks) {
      table.add(kMessageRows, kMessageGroup);
      table.add(kTaskRows, kTaskGroup);
    }
    table.add(*command);
  }
  return table;
}

}  // namespace

std::span<const ShellCommand> shell_commands() {
  static const Table kTable = all_rows();
  return kTable.rows;
}

int show_help(Shell& shell, const Words& words) {
  Session& session = shell.session();
  if (words.empty()) {
    session.print(help_text(shell_commands()) + std::string{language_help()});
    return kExitOk;
  }
  const auto* command = find_command(shell_commands(), words[0].text);
  if (command == nullptr) {
    session.complain("no command " + in_quotes(words[0].text) + "; help lists them");
    return kExitUsage;
  }
  if (command->handler == nullptr) {
    session.print(shell.tree().get_subcommand(words[0].text)->help());
    return kExitOk;
  }
  const auto* example =
      std::ranges::find(kExamples, command->name, [](const auto& one) { return one.first; });
  session.print(help_of(*command, example == kExamples.end() ? "" : example->second));
  return kExitOk;
}

int change_node(Shell& shell, const Words& words) {
  Session& session = shell.session();
  if (words.empty()) {
    session.print_line(shell.node_text());
    session.result = Value{shell.node_text()};
    return kExitOk;
  }
  const std::string name = text_of(words[0]);
  if (const auto fault = endpoint_fault(session, name); !fault.empty()) {
    session.complain(fault);
    return kExitUsage;
  }
  // A name that the mesh does not know, or a node that does not answer, is told here.
  if (const auto took = shell.client().ping(name, session.timeout()); !took) {
    return session.fail(took.status());
  }
  shell.set_node(name);
  return kExitOk;
}

int clear_screen(Shell& shell, const Words& /*words*/) {
  if (isatty(STDOUT_FILENO) != 0) shell.session().print("\x1b[H\x1b[2J");
  return kExitOk;
}

int quit(Shell& shell, const Words& /*words*/) {
  shell.quit();
  return kExitOk;
}

}  // namespace kvmesh::command::shell

namespace kvmesh::command {

void add_shell_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "shell", "Read commands from a terminal, with history and completion, or from a pipe");
  command->callback([&session] {
    session.action = [&session] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return shell::Shell{session, **client}.run();
    };
  });
}

}  // namespace kvmesh::command

namespace kvmesh::command::shell {

Result<Value::List> arguments_of(const Words& words, std::size_t first) {
  Value::List values;
  for (std::size_t i = first; i < words.size(); ++i) {
    auto value = value_of(words[i]);
    if (!value) return value.status();
    values.push_back(*std::move(value));
  }
  return values;
}

bool is_self(const Word& word) { return word.is("self"); }

std::optional<std::chrono::milliseconds> wait_of(const Session& session, const Word& word) {
  const std::string text = text_of(word);
  if (text == "0") return std::chrono::milliseconds{0};
  if (const auto duration = parse_duration(text)) return duration;
  if (const auto seconds = parse_duration(text + "s")) return seconds;
  session.complain(in_quotes(text) +
                   " is no time up to 24 h; write seconds, or a duration such as 500ms");
  return std::nullopt;
}

int show_variables(Shell& shell, const Words& /*words*/) {
  const Session& session = shell.session();
  const auto& all = shell.variables().all();
  if (session.json()) {
    session.print_line(Value{Value::Map{all.begin(), all.end()}}.to_json());
    return kExitOk;
  }
  for (const auto& [name, value] : all) {
    const std::string title = name + " = ";
    session.print_line(title + value_text(value, output_width() - title.size()));
  }
  return kExitOk;
}

}  // namespace kvmesh::command::shell
