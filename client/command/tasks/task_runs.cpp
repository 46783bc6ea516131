#include "client/command/tasks/task_runs.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/base/values.h"
#include "client/command/tasks/task_output.h"
#include "client/command/tasks/task_texts.h"
#include "common/functions.h"
#include "common/remote/requests.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerGrace{100};   // a node says that the time is over after it is
constexpr milliseconds kStopPatience{500};  // before it is said how to let go of a task

// After the ^C of a terminal.
void end_line_of_interrupt(const Session& session) {
  if (isatty(STDOUT_FILENO) != 0) session.print("\n");
}

// Ends this process when standard output cannot be written, as Session::print() does: a task whose
// output nobody reads any more is not waited for. Its node notices that and stops it.
class EndingOutput final : public OutputSink {
 public:
  EndingOutput(const Session& session, std::shared_ptr<OutputSink> inner)
      : session_(session), inner_(std::move(inner)) {}

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override {
    inner_->write(std::move(chunks), [&session = session_, told = std::move(taken)] {
      if (std::ferror(stdout) != 0) session.print({});
      told();
    });
  }

 private:
  const Session& session_;
  const std::shared_ptr<OutputSink> inner_;
};

}  // namespace

std::shared_ptr<ShownOutput> output_of(const Session& session) {
  const auto ending = [&session](std::shared_ptr<OutputSink> inner) {
    return std::make_shared<EndingOutput>(session, std::move(inner));
  };
  auto plain = std::make_shared<client::StandardOutput>();
  if (session.json()) {
    return std::make_shared<ShownOutput>(ending(std::make_shared<JsonOutput>()), std::move(plain));
  }
  return std::make_shared<ShownOutput>(ending(std::make_shared<TerminalOutput>(
      std::move(plain),
      TerminalOutput::Terminals{isatty(STDOUT_FILENO) != 0, isatty(STDERR_FILENO) != 0})));
}

Async<Value> start_call(Mesh& mesh, Call call, const CallOptions& options) {
  ArgumentList args{std::move(call.args)};
  return call.bucket
             ? mesh.async_route<Value>(options, *call.bucket, call.function, std::move(args))
             : mesh.async<Value>(options, call.node, call.function, std::move(args));
}

int show_end(Session& session, ShownOutput& output, Result<Value> end) {
  if (!output.take_line_ended() && !session.json()) session.print("\n");
  if (!end) return session.fail(end.status());
  session.print_value(*end);
  session.result = *std::move(end);
  return kExitOk;
}

// An await() cannot be left, so the task is looked at over and over, less often with time.
Wait wait_for(const Async<Value>& task, std::chrono::milliseconds time,
              const Interrupts& interrupts) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  constexpr milliseconds kPauseMax{20};
  const auto until = steady_clock::now() + time;
  milliseconds pause{1};
  while (!task.is_done()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) return Wait::kTimeOver;
    pollfd interrupt{interrupts.descriptor(), POLLIN, 0};
    const auto wait = std::min(left, pause);
    if (poll(&interrupt, 1, static_cast<int>(wait.count())) > 0 && interrupts.take()) {
      return Wait::kInterrupted;
    }
    pause = std::min(pause * 2, kPauseMax);
  }
  return Wait::kEnded;
}

namespace {

// After an interrupt: what was told to stop may take its time, or not hear it at all. False: it is
// to be left.
bool wait_until_stopped(const Session& session, const Async<Value>& task,
                        const std::string& function, milliseconds time,
                        const Interrupts& interrupts) {
  const auto first = std::min(time, kStopPatience);
  auto wait = wait_for(task, first, interrupts);
  if (wait == Wait::kTimeOver && first < time) {
    session.complain(printable(function) + " was told to stop; Ctrl-C again to let go of it");
    wait = wait_for(task, time - first, interrupts);
  }
  if (wait == Wait::kInterrupted) end_line_of_interrupt(session);
  return wait == Wait::kEnded;
}

// As AsyncTask::await() ends: with what the node says of it, such as whether it had begun.
Status late_end(Async<Value>& task, const std::string& function, milliseconds time,
                const Interrupts& interrupts) {
  const std::string late = printable(function) + " did not end within " +
                           std::to_string(time.count()) + " ms and was told to stop";
  if (wait_for(task, kAnswerGrace, interrupts) != Wait::kEnded) {
    return {StatusCode::kDeadlineExceeded, late};
  }
  Status end = task.await().status();
  if (end.code() != StatusCode::kCancelled) return end;
  return {StatusCode::kDeadlineExceeded, late + ": " + end.text()};
}

}  // namespace

Result<Value> end_of_call(Session& session, Async<Value> task, const std::string& function,
                          const Interrupts& interrupts) {
  const auto time = session.options.timeout;
  // Its node answers that its time is over when it is; that says more than the clock here.
  const auto wait = wait_for(task, time + kAnswerGrace, interrupts);
  if (wait == Wait::kEnded) return task.await();
  task.cancel();
  if (wait == Wait::kInterrupted) {
    end_line_of_interrupt(session);
    if (wait_until_stopped(session, task, function, time + kAnswerGrace, interrupts)) {
      return task.await();
    }
    return Status{StatusCode::kCancelled,
                  printable(function) +
                      " was told to stop and has not yet; its node stops it, or drops its result"};
  }
  const auto end = late_end(task, function, time, interrupts);
  return end.ok() ? task.await() : Result<Value>{end};
}

int run_call(Session& session, Mesh& mesh, Call call, const std::shared_ptr<ShownOutput>& output,
             Interrupts& interrupts) {
  const std::string function = call.function;
  auto task =
      start_call(mesh, std::move(call), {session.timeout(), output, session.options.timeout});
  auto end = end_of_call(session, std::move(task), function, interrupts);
  // From here on nothing runs that could be told to stop: what is left is to be printed, to a
  // reader that may never read.
  interrupts.release();
  if (interrupts.take()) std::raise(SIGINT);  // came when the result did
  return show_end(session, *output, std::move(end));
}

void print_pid(const Session& session, const Pid& pid) {
  if (session.json()) {
    session.print_json(Value::Map{{"pid", pid.to_string()}});
  } else {
    session.print_line(pid.to_string());
  }
}

void cancel_later(Client& client, const Pid& pid) {
  client.call_async(remote::cancel_request(pid), Client::Callback{});
}

Result<Value> servers_of(Mesh& mesh, const std::string& node, Timeout timeout) {
  auto told = mesh.call({timeout, nullptr}, node, functions::kServerList.name);
  if (told.status().code() == StatusCode::kUndefinedFunction) return Value{};
  return told;
}

int show_modules(Session& session, Mesh& mesh, const std::string& node) {
  const auto modules = mesh.call({session.timeout(), nullptr}, node, functions::kTaskModules.name);
  if (!modules) return session.fail(modules.status());
  const auto servers = servers_of(mesh, node, session.timeout());
  if (!servers) return session.fail(servers.status());
  if (session.json()) {
    session.print_json(modules_json(*modules, *servers));
  } else {
    const auto text = modules_text(*modules, *servers);
    session.print(text);
    if (text.empty()) {
      session.complain((node.empty() ? "the node at " + session.where() : node) +
                       " has no functions of modules and no servers; its setting \"modules\" says "
                       "what to load");
    }
  }
  return kExitOk;
}

int send_message(Session& session, Mesh& mesh, const Pid& to, Value value) {
  const CallOptions options{session.timeout(), nullptr};
  const Status status = mesh.call<void>(options, to.node, functions::kProcessSend.name, to.id,
                                        Value{}, std::move(value));
  return session.finish_silent(status);
}

namespace {

// Only a shell has one that outlives a command. `here`: the pid is of the connected node.
bool is_own_mailbox(const Session& session, Mesh& mesh, const Pid& pid, bool here) {
  if (session.owns_stdin) return false;
  const auto self = mesh.self();
  return self && self->id == pid.id && (here || self->node == pid.node);
}

}  // namespace

std::string mailbox_is_kept() {
  return "$self is the mailbox of this shell, and what is in it would be lost; quit ends the shell "
         "with it, flush empties it";
}

int cancel_process(Session& session, Mesh& mesh, const std::string& pid, const std::string& where) {
  const bool id_alone = pid.find('/') == std::string::npos;
  const auto parsed = parse_pid(pid, where.empty() ? "connected@node" : where);
  if (!parsed) return session.fail(parsed.status());
  if (is_own_mailbox(session, mesh, *parsed, id_alone && where.empty())) {
    return session.fail({StatusCode::kInvalidArgument, mailbox_is_kept()});
  }
  const CallOptions options{session.timeout(), nullptr};
  const Status status = mesh.call<void>(options, id_alone ? where : parsed->node,
                                        functions::kTaskCancel.name, parsed->id);
  return session.finish_silent(status);
}

namespace {

void warn_of(const Session& session, const std::string& text) {
  const std::string warning = text_warning(text);
  if (!warning.empty()) session.complain("warning: " + warning);
}

}  // namespace

Result<Value> value_given(const Session& session, const std::string& text) {
  warn_of(session, text);
  return parse_argument(text);
}

Result<Value::List> values_given(const Session& session, const std::vector<std::string>& texts) {
  for (const auto& text : texts) warn_of(session, text);
  return parse_arguments(texts);
}

int run_server(Session& session, Mesh& mesh, ServerCall call) {
  const CallOptions options{session.timeout(), nullptr};
  ArgumentList args{std::move(call.args)};
  if (call.cast) {
    return session.finish_silent(
        mesh.server_cast(options, call.server, call.function, std::move(args)));
  }
  const auto result = mesh.server_call<Value>(options, call.server, call.function, std::move(args));
  if (!result) return session.fail(result.status());
  session.print_value(*result);
  session.result = *result;
  return kExitOk;
}

int send_to_server(const Session& session, Mesh& mesh, const ServerName& to, Value from,
                   Value value) {
  return session.finish_silent(mesh.call<void>({session.timeout(), nullptr}, to.node,
                                               functions::kProcessSend.name, to.name,
                                               std::move(from), std::move(value)));
}

}  // namespace kvmesh::command
