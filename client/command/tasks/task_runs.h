#pragma once

#include <kvmesh/async.h>
#include <kvmesh/mesh.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

enum class Wait : std::uint8_t { kEnded, kTimeOver, kInterrupted };

/// Waits for the end of a task, for as long as that, or for an interrupt; the task goes on.
Wait wait_for(const Async<Value>& task, std::chrono::milliseconds time,
              const Interrupts& interrupts);

/// Waits for the end of a call for the session's time, then tells it to stop; gives what it has
/// ended with, for show_end(). An interrupt tells it to stop too; a second one lets go of it, which
/// is kCancelled.
Result<Value> end_of_call(Session& session, Async<Value> task, const std::string& function,
                          const Interrupts& interrupts);

/// Calls, shows the output and then the result, as end_of_call() says; with the end `interrupts` is
/// released, so that one ends the process while the result is printed.
int run_call(Session& session, Mesh& mesh, Call call, const std::shared_ptr<ShownOutput>& output,
             Interrupts& interrupts);

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
/// kInvalidArgument in a shell, of its own mailbox.
int cancel_process(Session& session, Mesh& mesh, const std::string& pid, const std::string& where);

/// Why that is refused.
std::string mailbox_is_kept();

// Values from a command line, see parse_argument(). What begins as a list, map or string but is no
// JSON is text, as all else; a warning on standard error says so, and how to write text on
// purpose.

Result<Value> value_given(const Session& session, const std::string& text);
Result<Value::List> values_given(const Session& session, const std::vector<std::string>& texts);

// Named servers, and permanent tasks, called and sent to for the user at the terminal.
// Each prints and gives an exit status. An empty node is the connected one.

struct ServerCall {
  ServerName server;
  std::string function;
  Value::List args;
  bool cast = false;  // nobody waits for a result
};

/// Prints the result; of a cast nothing.
int run_server(Session& session, Mesh& mesh, ServerCall call);

/// Sends one message and says whether it arrived. `from`: the text of the pid that can be answered,
/// or nil.
int send_to_server(const Session& session, Mesh& mesh, const ServerName& to, Value from,
                   Value value);

}  // namespace kvmesh::command
