// The commands of the shell that are those of the command line, over the shell's connection.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/exit_status.h"
#include "client/command/base/usage.h"
#include "client/command/commands.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/shell.h"

namespace kvmesh::command::shell {
namespace {

int run(Shell& shell, const char* command, std::vector<std::string> arguments) {
  CLI::App app{"", "help"};
  Session& session = shell.session();
  add_bucket_commands(app, session);
  add_value_commands(app, session);
  add_route_commands(app, session);
  add_node_commands(app, session);
  add_reload_command(app, session);
  add_process_commands(app, session);
  std::vector<std::string> line{command, "--"};  // no argument is an option
  std::move(arguments.begin(), arguments.end(), std::back_inserter(line));
  std::reverse(line.begin(), line.end());  // as the parser wants it
  try {
    app.parse(std::move(line));
  } catch (const CLI::ParseError& error) {
    session.complain(usage_fault(app, error));
    return kExitUsage;
  }
  return std::exchange(session.action, nullptr)();
}

int run_with_texts(Shell& shell, const char* command, const Words& words) {
  std::vector<std::string> texts;
  std::transform(words.begin(), words.end(), std::back_inserter(texts), text_of);
  return run(shell, command, std::move(texts));
}

// With the shell's node where the line names none.
int run_for_node(Shell& shell, const char* command, const Words& words) {
  if (!words.empty()) return run_with_texts(shell, command, words);
  if (shell.node().empty()) return run(shell, command, {});
  return run(shell, command, {shell.node()});
}

}  // namespace

int show_nodes(Shell& shell, const Words& words) { return run_for_node(shell, "nodes", words); }
int show_info(Shell& shell, const Words& words) { return run_for_node(shell, "info", words); }
int ping_node(Shell& shell, const Words& words) { return run_for_node(shell, "ping", words); }
int reload_node(Shell& shell, const Words& words) { return run_with_texts(shell, "reload", words); }
int show_modules(Shell& shell, const Words& words) { return run_for_node(shell, "modules", words); }
int show_tasks(Shell& shell, const Words& words) { return run_for_node(shell, "tasks", words); }
int show_buckets(Shell& shell, const Words& words) { return run_for_node(shell, "buckets", words); }
int create_bucket(Shell& shell, const Words& words) {
  return run_with_texts(shell, "create", words);
}
int drop_bucket(Shell& shell, const Words& words) { return run_with_texts(shell, "drop", words); }
int get_value(Shell& shell, const Words& words) { return run_with_texts(shell, "get", words); }
int delete_key(Shell& shell, const Words& words) { return run_with_texts(shell, "delete", words); }
int count_keys(Shell& shell, const Words& words) { return run_with_texts(shell, "count", words); }
int show_keys(Shell& shell, const Words& words) { return run_with_texts(shell, "keys", words); }
int show_route(Shell& shell, const Words& words) { return run_with_texts(shell, "route", words); }

// Not the command's: there `-` means standard input.
int put_value(Shell& shell, const Words& words) {
  Session& session = shell.session();
  const Status status = shell.client().put(text_of(words[0]), text_of(words[1]), text_of(words[2]),
                                           session.timeout());
  return session.finish_silent(status);
}

int change_node(Shell& shell, const Words& words) {
  Session& session = shell.session();
  if (words.empty()) {
    session.print_line(shell.node_text());
    session.result = Value{shell.node_text()};
    return kExitOk;
  }
  const std::string name = text_of(words[0]);
  // A name that the mesh does not know, or a node that does not answer, is told here.
  if (const auto took = shell.client().ping(name, session.timeout()); !took) {
    return session.fail(took.status());
  }
  shell.set_node(name);
  return kExitOk;
}

}  // namespace kvmesh::command::shell
