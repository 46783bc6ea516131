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
  shell.sent_to(pid->node);
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

namespace {

// Of watch and unwatch, --bucket BUCKET and, with `has_prefix`, --prefix PREFIX.
struct BucketWords {
  std::string bucket;
  std::string prefix;
};

bool is_of_bucket(const Words& words) {
  return !words.empty() && text_of(words[0]).starts_with("--");
}

std::optional<BucketWords> read_bucket(const Session& session, const Words& words,
                                       bool has_prefix) {
  BucketWords out;
  bool is_right = words.size() % 2 == 0;
  for (std::size_t i = 0; is_right && i < words.size(); i += 2) {
    const bool is_prefix = has_prefix && words[i].is("--prefix");
    is_right = is_prefix || words[i].is("--bucket");
    (is_prefix ? out.prefix : out.bucket) = text_of(words[i + 1]);
  }
  if (is_right && !out.bucket.empty()) return out;
  session.complain(has_prefix ? "usage: watch [NODE], or watch --bucket BUCKET [--prefix PREFIX]"
                              : "usage: unwatch [NODE], or unwatch --bucket BUCKET");
  return std::nullopt;
}

}  // namespace

int watch_peers(Shell& shell, const Words& words) {
  if (is_of_bucket(words)) {
    const auto wanted = read_bucket(shell.session(), words, true);
    if (!wanted) return kExitUsage;
    return shell.session().finish(shell.watches().begin_bucket(wanted->bucket, wanted->prefix));
  }
  if (words.size() > 1) {
    shell.session().complain("watch takes one node, or --bucket BUCKET [--prefix PREFIX]");
    return kExitUsage;
  }
  const auto fault = words.empty() ? "" : endpoint_fault(shell.session(), text_of(words[0]));
  if (!fault.empty()) {
    shell.session().complain(fault);
    return kExitUsage;
  }
  const auto node = words.empty() ? shell.node() : text_of(words[0]);
  auto status = shell.watches().begin(node);
  if (status.code() == StatusCode::kInvalidArgument && node.find('@') == std::string::npos) {
    status = {status.code(), status.text() + "; of a bucket, watch --bucket prints the changes"};
  }
  return shell.session().finish(status);
}

int unwatch_peers(Shell& shell, const Words& words) {
  if (is_of_bucket(words)) {
    const auto wanted = read_bucket(shell.session(), words, false);
    if (!wanted) return kExitUsage;
    if (shell.watches().end_bucket(wanted->bucket)) return kExitOk;
    return shell.session().fail(
        {StatusCode::kNotFound, "the bucket " + in_quotes(wanted->bucket) + " is not watched"});
  }
  if (words.size() > 1) {
    shell.session().complain("unwatch takes one node, or --bucket BUCKET");
    return kExitUsage;
  }
  const std::string node = words.empty() ? shell.node() : text_of(words[0]);
  if (shell.watches().end(node)) return kExitOk;
  const std::string name = node.empty() ? shell.node_text() : node;
  return shell.session().fail(
      {StatusCode::kNotFound, "the peers of " + printable(name) + " are not watched"});
}

}  // namespace kvmesh::command::shell
