#pragma once

#include <kvmesh/mesh.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/command/base/interrupts.h"
#include "client/command/base/session.h"
#include "client/command/base/shown_output.h"

/// Functions called and processes started on behalf of whoever sits at the terminal. Each prints
/// and gives an exit status.
namespace kvmesh::command {

/// What is called, and where.
struct Call {
  std::string node;                   // empty: the connected node
  std::optional<std::string> bucket;  // instead of a node: wherever it belongs
  std::string function;
  Value::List args;
};

/// Where the session's tasks write to: stdout and stderr; with --json documents to stdout.
std::shared_ptr<ShownOutput> output_of(const Session& session);

/// Starts what is called; nothing is printed.
Async<Value> start_call(Mesh& mesh, Call call, const CallOptions& options);
/// Prints what a task has ended with, after its output, and keeps it as the session's result.
int show_end(Session& session, ShownOutput& output, Result<Value> end);

/// Calls, shows the output and then the result. An interrupt tells the task to stop and is then
/// told to `on_cancel`, on another thread.
int run_call(Session& session, Mesh& mesh, Call call, const std::shared_ptr<ShownOutput>& output,
             Interrupts& interrupts, const std::function<void()>& on_cancel);

void print_pid(const Session& session, const Pid& pid);

/// Tells a process to stop and does not wait.
void cancel_later(Client& client, const Pid& pid);

/// Prints the functions and servers of a node.
int show_modules(Session& session, Mesh& mesh, const std::string& node);

/// The answer of server.list; nil of a node of an earlier version, which has none.
Result<Value> servers_of(Mesh& mesh, const std::string& node, Timeout timeout);

/// Sends one message and says whether it arrived.
int send_message(Session& session, Mesh& mesh, const Pid& to, Value value);

/// Tells the process to stop; `where` is the node of an id alone, empty for the connected one.
int cancel_process(Session& session, Mesh& mesh, const std::string& pid, const std::string& where);

}  // namespace kvmesh::command
