// The shell's mailbox, monitors and watches.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/base/values.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/shell.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void take_message(Shell& shell, const Message& message) {
  Session& session = shell.session();
  if (message.kind == MessageKind::kMessage) {
    shell.remember(message.sender);
  } else {
    shell.forget(message.sender);
  }
  session.print_line(session.json() ? message_json(message).to_json()
                                    : message_text(message, output_width()));
  session.result = message.body;
}

// What can be no pid is a name. What can be both, such as "cafe", is one when there is such a
// server.
bool names_a_server(Shell& shell, const std::string& text) {
  if (text.empty() || text.find_first_of("</@") != std::string::npos) return false;
  if (!parse_pid(text, shell.node_text())) return true;
  const auto names = server_names(shell.servers());
  return std::ranges::find(names, text) != names.end();
}

}  // namespace

int show_self(Shell& shell, const Words& /*words*/) {
  const auto pid = shell.mesh().self();
  if (!pid) return shell.session().fail(pid.status());
  print_pid(shell.session(), *pid);
  shell.session().result = Value{pid->to_string()};
  shell.remember(*pid);
  return kExitOk;
}

// From this shell's mailbox, so that the receiver can answer.
int send_value(Shell& shell, const Words& words) {
  Session& session = shell.session();
  auto value = value_of(words[1]);
  if (!value) return session.fail(value.status());
  const bool to_self = is_self(words[0]);
  if (!to_self && names_a_server(shell, text_of(words[0]))) {
    const auto self = shell.mesh().self();
    if (!self) return session.fail(self.status());
    return send_to_server(session, shell.mesh(), {text_of(words[0]), shell.node()},
                          self->to_string(), *std::move(value));
  }
  const auto pid = shell.pid_of(words[0]);
  if (!pid) return session.fail(pid.status());
  return session.finish_silent(shell.mesh().send(*pid, *std::move(value)));
}

int receive_message(Shell& shell, const Words& words) {
  Session& session = shell.session();
  milliseconds wait = session.options.timeout;
  if (!words.empty()) {
    const auto given = wait_of(session, words[0]);
    if (!given) return kExitUsage;
    wait = *given;
  }
  constexpr milliseconds kSlice{100};  // an interrupt is seen after this long
  const auto until = steady_clock::now() + wait;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    const auto message = shell.mesh().receive(std::clamp(left, milliseconds{0}, kSlice));
    if (message) {
      take_message(shell, *message);
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
  for (const auto& message : shell.mesh().flush()) take_message(shell, message);
  return kExitOk;
}

int monitor_process(Shell& shell, const Words& words) {
  Session& session = shell.session();
  const auto pid = shell.pid_of(words[0]);
  if (!pid) return session.fail(pid.status());
  shell.remember(*pid);
  return session.finish(shell.mesh().monitor(*pid));
}

int watch_peers(Shell& shell, const Words& words) {
  const auto fault = words.empty() ? "" : endpoint_fault(shell.session(), text_of(words[0]));
  if (!fault.empty()) {
    shell.session().complain(fault);
    return kExitUsage;
  }
  return shell.session().finish(
      shell.watches().begin(words.empty() ? shell.node() : text_of(words[0])));
}

int unwatch_peers(Shell& shell, const Words& words) {
  const std::string node = words.empty() ? shell.node() : text_of(words[0]);
  if (shell.watches().end(node)) return kExitOk;
  const std::string name = node.empty() ? shell.node_text() : node;
  return shell.session().fail(
      {StatusCode::kNotFound, "the peers of " + printable(name) + " are not watched"});
}

}  // namespace kvmesh::command::shell
