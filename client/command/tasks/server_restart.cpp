#include "client/command/tasks/server_restart.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/command/base/interrupts.h"
#include "client/command/nodes/info_text.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kWatchedFor{100};  // in which it is seen that one cannot start
constexpr milliseconds kPauseMax{100};    // between two looks at it

// Of a server or permanent task what task.list tells.
struct Supervised {
  std::string pid;  // empty: it does not run
  std::string state;
  std::string why;  // its last end, or start, was no good one

  bool is_to_start() const { return !pid.empty() || state == "restarting"; }
};

bool is_titled(const Value& row, std::string_view name) {
  const auto title = text_at(row, "function");
  for (const std::string_view kind : {"server ", "task "}) {
    if (title.starts_with(kind) && std::string_view{title}.substr(kind.size()) == name) return true;
  }
  return false;
}

// Empty: the node does not list it, as it lists too much.
Result<std::optional<Supervised>> look(const Session& session, Mesh& mesh,
                                       const ServerName& server) {
  const auto told = mesh.call({session.timeout(), nullptr}, server.node, functions::kTaskList.name);
  if (!told) return told.status();
  if (const auto* rows = told->get_if<Value::List>()) {
    for (const auto& row : *rows) {
      if (!is_titled(row, server.name)) continue;
      return std::optional{
          Supervised{text_at(row, "pid"), text_at(row, "state"), text_at(row, "why")}};
    }
  }
  return std::optional<Supervised>{};
}

void pause(milliseconds time) {
  pollfd interrupt{break_descriptor(), POLLIN, 0};  // passed over where it is -1
  poll(&interrupt, 1, static_cast<int>(time.count()));
}

// How one ended that is not `pid` any more: OK when it did so by itself.
Status failure_of(const Supervised& now, const std::string& name) {
  auto end = end_status(now.why.empty() ? "normal" : now.why);
  if (end.ok()) return end;
  return {end.code(), printable(name) + " ended at once: " + end.text() +
                          (now.pid.empty() ? "; it is " + printable(now.state)
                                           : "; its node restarts it, see kvmesh tasks")};
}

// Its pid when it is another than `before` was; empty when that has not come in time. A failure
// when it does not start any more.
Result<std::string> new_pid(const Session& session, Mesh& mesh, const ServerName& server,
                            const std::string& before) {
  const auto until = steady_clock::now() + session.options.timeout;
  for (milliseconds wait{5};; wait = std::min(wait * 2, kPauseMax)) {
    const auto now = look(session, mesh, server);
    if (!now) return now.status();
    if (!*now) return std::string{};
    if (!(*now)->is_to_start()) {
      if (auto failed = failure_of(**now, server.name); !failed.ok()) return failed;
      return Status{StatusCode::kUnavailable, printable(server.name) + " is " +
                                                  printable((*now)->state) +
                                                  ", and was not started anew; try again"};
    }
    if (!(*now)->pid.empty() && (*now)->pid != before) return (*now)->pid;
    if (steady_clock::now() + wait > until) return std::string{};
    pause(wait);
    if (broken_off()) return interrupted_status();
  }
}

// From when it was seen to have begun: on a busy node it waits for a worker first.
Status watch_first_moments(const Session& session, Mesh& mesh, const ServerName& server,
                           const std::string& pid) {
  const auto until = steady_clock::now() + session.options.timeout;
  std::optional<steady_clock::time_point> begun;
  while (true) {
    pause(kWatchedFor / 4);
    if (broken_off()) return interrupted_status();
    const auto now = look(session, mesh, server);
    // What cannot be seen is no failure of the server.
    if (!now || !*now) return {};
    if ((*now)->pid != pid) return failure_of(**now, server.name);
    const auto time = steady_clock::now();
    if (!begun && (*now)->state != "queued") begun = time;
    if (time > until || (begun && time - *begun >= kWatchedFor)) return {};
  }
}

int show_later(Session& session, const ServerName& server, bool has_run) {
  session.why_no_result =
      has_run ? printable(server.name) + " has not ended within " +
                    std::to_string(session.options.timeout.count()) +
                    " ms; it starts anew as soon as it has and the node has room for it"
              : printable(server.name) + " starts as soon as its node has room for it";
  session.complain(session.why_no_result);
  if (session.json()) session.print_json(Value::Map{{"pid", Value{}}});
  return kExitOk;
}

}  // namespace

int restart_server(Session& session, Mesh& mesh, const ServerName& server) {
  const auto before = look(session, mesh, server);
  if (!before) return session.fail(before.status());
  const auto started = mesh.call({session.timeout(), nullptr}, server.node,
                                 functions::kServerRestart.name, server.name);
  if (!started) return session.fail(started.status());
  const bool has_run = *before && !(*before)->pid.empty();
  std::string pid;
  if (const auto* text = started->bytes_or_text()) {
    pid = *text;
  } else if (*before) {
    auto found = new_pid(session, mesh, server, (*before)->pid);
    if (!found) return session.fail(found.status());
    pid = *std::move(found);
  }
  if (pid.empty()) return show_later(session, server, has_run);
  if (const auto failed = watch_first_moments(session, mesh, server, pid); !failed.ok()) {
    return session.fail(failed);
  }
  if (session.json()) {
    session.print_json(Value::Map{{"pid", pid}});
  } else {
    session.print_line(pid);
  }
  session.result = Value{pid};
  return kExitOk;
}

}  // namespace kvmesh::command
