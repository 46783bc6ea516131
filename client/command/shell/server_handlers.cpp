// server, in the shell.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "client/command/base/exit_status.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/orders.h"
#include "client/command/shell/shell.h"
#include "client/command/tasks/server_runs.h"

namespace kvmesh::command::shell {
namespace {

// Whether the option stands before the function or in its place; takes it out.
bool take_option(Words& words, std::string_view option) {
  const auto end = words.begin() + std::min<std::ptrdiff_t>(3, std::ssize(words));
  const auto found = std::find(words.begin(), end, Word{std::string{option}});
  if (found == end) return false;
  words.erase(found);
  return true;
}

}  // namespace

int call_server(Shell& shell, const Words& words) {
  Session& session = shell.session();
  Words rest = words;
  std::string node = shell.node();
  const bool restart = take_option(rest, "--restart");
  const bool cast = take_option(rest, "--cast");
  if (rest.size() > (restart ? 1U : 2U) && is_node(rest[0])) {
    node = text_of(rest[0]);
    rest.erase(rest.begin());
  }
  if (restart ? cast || rest.size() != 1 : rest.size() < 2) {
    session.complain(
        "usage: server [--cast] [NODE] NAME FUNCTION [ARGS...], or server [NODE] NAME --restart");
    return kExitUsage;
  }
  const ServerName server{text_of(rest[0]), node};
  if (restart) return restart_server(session, shell.mesh(), server);
  auto args = arguments_of(rest, 2);
  if (!args) return session.fail(args.status());
  return run_server(session, shell.mesh(), {server, text_of(rest[1]), *std::move(args), cast});
}

}  // namespace kvmesh::command::shell
