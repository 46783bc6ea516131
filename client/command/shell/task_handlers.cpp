// call, spawn, async, await, cancel and server, in the shell.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/command/base/interrupts.h"
#include "client/command/base/numbers.h"
#include "client/command/base/session.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/orders.h"
#include "client/command/shell/shell.h"
#include "client/command/shell/started_tasks.h"
#include "client/command/tasks/server_restart.h"
#include "client/command/tasks/task_output.h"
#include "client/command/tasks/task_runs.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

using std::chrono::milliseconds;

int spawn(Shell& shell, const char* name, const Words& words, bool linked) {
  Session& session = shell.session();
  Order order;
  if (const int status = read_order(shell, name, words, {.limit = true}, order);
      status != kExitOk) {
    return status;
  }
  const auto held = std::make_shared<HeldOutput>(shell.output());
  const CallOptions options{session.timeout(), held, order.limit};
  auto& [node, bucket, function, args] = order.call;
  ArgumentList list{std::move(args)};
  const auto pid = linked ? shell.mesh().spawn_link(options, node, function, std::move(list))
                          : shell.mesh().spawn(options, node, function, std::move(list));
  if (!pid) return session.fail(pid.status());
  shell.remember(*pid, held);
  print_pid(session, *pid);
  session.result = Value{pid->to_string()};
  held->release();
  return kExitOk;
}

Status no_task(const std::string& name) {
  return {StatusCode::kNotFound,
          "there is no task " + in_quotes(name) + "; async starts one and prints its name"};
}

}  // namespace

int call_function(Shell& shell, const Words& words) {
  Order order;
  if (const int status = read_order(shell, "call", words, {.bucket = true}, order);
      status != kExitOk) {
    return status;
  }
  Session& session = shell.session();
  const std::string function = order.call.function;
  const CallOptions options{session.timeout(), shell.output(), session.options.timeout};
  auto end = end_of_call(session, start_call(shell.mesh(), std::move(order.call), options),
                         function, shell.interrupts());
  return show_end(session, *shell.output(), std::move(end));
}

int spawn_process(Shell& shell, const Words& words) { return spawn(shell, "spawn", words, false); }
int spawn_linked(Shell& shell, const Words& words) {
  return spawn(shell, "spawn_link", words, true);
}

int start_task(Shell& shell, const Words& words) {
  Session& session = shell.session();
  Order order;
  if (const int status = read_order(shell, "async", words, {.bucket = true, .limit = true}, order);
      status != kExitOk) {
    return status;
  }
  const auto held = std::make_shared<HeldOutput>(shell.output());
  const auto name = shell.tasks().add(order.call.function, [&] {
    return start_call(shell.mesh(), order.call, {session.timeout(), held, order.limit});
  });
  if (!name) return session.fail(name.status());
  session.print_line(session.json() ? Value{Value::Map{{"task", *name}}}.to_json() : *name);
  session.result = Value{*name};
  held->release();
  return kExitOk;
}

int await_task(Shell& shell, const Words& words) {
  Session& session = shell.session();
  const std::string name = text_of(words[0]);
  auto* task = shell.tasks().find(name);
  if (task == nullptr) return session.fail(no_task(name));
  milliseconds time = session.options.timeout;
  if (words.size() > 1) {
    const auto given = wait_of(session, words[1]);
    if (!given) return kExitUsage;
    time = *given;
  }
  const std::string title = name + " (" + printable(task->function) + ")";
  switch (wait_for(task->handle, time, shell.interrupts())) {
    case Wait::kEnded:
      return show_end(session, *shell.output(), task->handle.await());
    case Wait::kInterrupted:
      session.print("\n");
      return session.fail({StatusCode::kCancelled, "interrupted; " + title + " goes on"});
    case Wait::kTimeOver:
      break;
  }
  return session.fail({StatusCode::kDeadlineExceeded,
                       title + " has not ended within " + std::to_string(time.count()) +
                           " ms; it goes on: await it again, or cancel " + name});
}

int cancel_task(Shell& shell, const Words& words) {
  Session& session = shell.session();
  const std::string name = text_of(words[0]);
  if (is_self(words[0])) return session.fail({StatusCode::kInvalidArgument, mailbox_is_kept()});
  if (auto* task = shell.tasks().find(name)) {
    task->handle.cancel();
    return session.finish_silent({});
  }
  const bool is_task = name.size() > 4 && name.starts_with("task") &&
                       name.find_first_not_of("0123456789", 4) == std::string::npos;
  if (is_task) return session.fail(no_task(name));
  return cancel_process(session, shell.mesh(), name, shell.node());
}

namespace {

// Takes it out.
bool take_option(Words& words, std::string_view option) {
  return std::erase_if(words, [&](const Word& word) { return word.is(option); }) > 0;
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
  if (restart) {
    const BreaksOff breaks{shell.interrupts()};
    return restart_server(session, shell.mesh(), server);
  }
  auto args = arguments_of(rest, 2);
  if (!args) return session.fail(args.status());
  return run_server(session, shell.mesh(), {server, text_of(rest[1]), *std::move(args), cast});
}

}  // namespace kvmesh::command::shell
