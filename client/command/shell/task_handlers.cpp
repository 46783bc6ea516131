// call, spawn, cancel and messages, in the shell.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/command/base/exit_status.h"
#include "client/command/base/numbers.h"
#include "client/command/base/values.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/shell.h"
#include "client/command/tasks/server_runs.h"
#include "client/command/tasks/task_output.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

int show_pid(Shell& shell, const Pid& pid) {
  shell.remember(pid);
  print_pid(shell.session(), pid);
  return kExitOk;
}

int spawn(Shell& shell, const Words& words, bool linked) {
  Session& session = shell.session();
  CallOptions options{session.timeout(), nullptr};
  std::size_t at = 0;
  if (words[0].text == "--limit") {
    const auto limit = words.size() < 3 ? std::nullopt : parse_duration(words[1].text);
    if (!limit) {
      session.complain(
          "usage: spawn --limit DURATION FUNCTION [ARGS...]; a DURATION is 1ms to 24h, for example "
          "500ms or 10m");
      return kExitUsage;
    }
    options.limit = *limit;
    at = 2;
  }
  auto args = arguments_of(words, at + 1);
  if (!args) return session.fail(args.status());
  const auto held = std::make_shared<HeldOutput>(shell.output());
  options.output = held;
  ArgumentList list{*std::move(args)};
  const std::string function = text_of(words[at]);
  const auto pid = linked
                       ? shell.mesh().spawn_link(options, shell.node(), function, std::move(list))
                       : shell.mesh().spawn(options, shell.node(), function, std::move(list));
  if (!pid) return session.fail(pid.status());
  show_pid(shell, *pid);
  held->release();
  return kExitOk;
}

void print_message(Shell& shell, const Message& message) {
  const Session& session = shell.session();
  if (message.sender.id != 0) shell.remember(message.sender);  // else it is a node
  session.print_line(session.json() ? message_json(message).to_json() : message_text(message));
}

// What can be no pid is a name. What can be both, such as "cafe", is one when there is such a
// server.
bool names_a_server(Shell& shell, const std::string& text) {
  if (text.empty() || text.find_first_of("</@") != std::string::npos) return false;
  if (!parse_pid(text, shell.node_text())) return true;
  const auto names = server_names(shell.servers());
  return std::ranges::find(names, text) != names.end();
}

// "5", "0.5" or with a unit; empty when it is none of them.
std::optional<milliseconds> wait_of(const std::string& text) {
  if (text == "0") return milliseconds{0};
  if (const auto duration = parse_duration(text)) return duration;
  return parse_duration(text + "s");
}

}  // namespace

Result<Value::List> arguments_of(const Words& words, std::size_t first) {
  Value::List values;
  for (std::size_t i = first; i < words.size(); ++i) {
    auto value = value_of(words[i]);
    if (!value) return value.status();
    values.push_back(*std::move(value));
  }
  return values;
}

int call_function(Shell& shell, const Words& words) {
  Session& session = shell.session();
  Call call;
  std::size_t at = 0;
  if (words[0].text == "--bucket") {
    if (words.size() < 3) {
      session.complain("usage: call --bucket BUCKET FUNCTION [ARGS...]");
      return kExitUsage;
    }
    call.bucket = text_of(words[1]);
    at = 2;
  } else {
    call.node = shell.node();
  }
  call.function = text_of(words[at]);
  auto args = arguments_of(words, at + 1);
  if (!args) return session.fail(args.status());
  call.args = *std::move(args);
  return run_call(session, shell.mesh(), std::move(call), shell.output(), shell.interrupts(),
                  [&session] { session.print("\n"); });  // after the ^C of the terminal
}

int spawn_process(Shell& shell, const Words& words) { return spawn(shell, words, false); }
int spawn_linked(Shell& shell, const Words& words) { return spawn(shell, words, true); }

int cancel_task(Shell& shell, const Words& words) {
  return cancel_process(shell.session(), shell.mesh(), words[0].text, shell.node());
}

int show_self(Shell& shell, const Words& /*words*/) {
  const auto pid = shell.mesh().self();
  if (!pid) return shell.session().fail(pid.status());
  return show_pid(shell, *pid);
}

// From this shell's mailbox, so that the receiver can answer.
int send_value(Shell& shell, const Words& words) {
  Session& session = shell.session();
  auto value = value_of(words[1]);
  if (!value) return session.fail(value.status());
  if (names_a_server(shell, words[0].text)) {
    const auto self = shell.mesh().self();
    if (!self) return session.fail(self.status());
    return send_to_server(session, shell.mesh(), {words[0].text, shell.node()}, self->to_string(),
                          *std::move(value));
  }
  const auto pid = parse_pid(words[0].text, shell.node_text());
  if (!pid) return session.fail(pid.status());
  const Status status = shell.mesh().send(*pid, *std::move(value));
  return session.finish_silent(status);
}

int receive_message(Shell& shell, const Words& words) {
  Session& session = shell.session();
  milliseconds wait = session.options.timeout;
  if (!words.empty()) {
    const auto given = wait_of(words[0].text);
    if (!given) {
      session.complain(in_quotes(words[0].text) +
                       " is no time up to 24 h; write seconds, or a duration such as 500ms");
      return kExitUsage;
    }
    wait = *given;
  }
  constexpr milliseconds kSlice{100};  // an interrupt is seen after this long
  const auto until = steady_clock::now() + wait;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    const auto message = shell.mesh().receive(std::clamp(left, milliseconds{0}, kSlice));
    if (message) {
      print_message(shell, *message);
      return kExitOk;
    }
    if (message.status().code() != StatusCode::kDeadlineExceeded) {
      return session.fail(message.status());
    }
    if (shell.interrupts().take()) {
      session.print("\n");
      return session.fail({StatusCode::kCancelled, "interrupted"});
    }
    if (left <= kSlice) break;
  }
  return session.fail({StatusCode::kDeadlineExceeded,
                       "no message came within " + std::to_string(wait.count()) + " ms"});
}

int flush_messages(Shell& shell, const Words& /*words*/) {
  for (const auto& message : shell.mesh().flush()) print_message(shell, message);
  return kExitOk;
}

int monitor_process(Shell& shell, const Words& words) {
  Session& session = shell.session();
  const auto pid = parse_pid(words[0].text, shell.node_text());
  if (!pid) return session.fail(pid.status());
  shell.remember(*pid);
  return session.finish(shell.mesh().monitor(*pid));
}

int watch_peers(Shell& shell, const Words& words) {
  const std::string node = words.empty() ? shell.node() : text_of(words[0]);
  return shell.session().finish(shell.mesh().watch_nodes(node));
}

int unwatch_peers(Shell& shell, const Words& words) {
  shell.mesh().unwatch_nodes(words.empty() ? shell.node() : text_of(words[0]));
  return kExitOk;
}

}  // namespace kvmesh::command::shell
