#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "common/deadline.h"
#include "node/core/function_registry.h"

namespace kvmesh::tasks {

/// A process of this node: a running task, a server or a client's mailbox. Never given twice.
using ProcessId = std::uint64_t;
/// A promise to answer a request later.
using Ticket = core::Call::Ticket;

/// Places in the node's tables of task functions and of servers; only the runtime reads them.
struct FunctionIndex {
  std::uint32_t value = 0;
};
struct ServerIndex {
  std::uint32_t value = 0;
};

/// What waits in a mailbox and is handed to a process.
struct Delivery {
  // The first five are the kinds of messages, of which the first three are on the wire.
  enum class Kind : std::uint8_t {
    kMessage = 0,
    kDown = 1,         ///< `from`: the process that ended; body: the reason, as text
    kUndelivered = 2,  ///< `from`: the process it was for; body: the status, as text
    kNodeUp = 3,       ///< `from`: the node, with id 0; function: the node that saw it
    kNodeDown = 4,     ///< the same; body: the reason, as text
    kTimer,            ///< a message that the process has sent itself with on_timer()
    kCall,             ///< for a server: answer it with on_server_answer()
    kCast,             ///< for a server
    kNothing,          ///< the wait is over without a message
  };
  Kind kind = Kind::kNothing;
  std::string from;              // a pid's text; empty: nobody that could be answered
  std::string body;              // one msgpack value; of a call or cast: the array of arguments
  std::string function;          // of a call or cast; of a node event see there
  std::optional<Ticket> ticket;  // of a call
  TimePoint deadline = TimePoint::max();  // of a call; it is not begun later

  bool is_node_event() const { return kind == Kind::kNodeUp || kind == Kind::kNodeDown; }
  std::size_t bytes() const { return from.size() + body.size() + function.size(); }
};

/// The answer to a call whose time was over before its turn came at the server of this title.
inline Status call_is_late(const std::string& title) {
  return {StatusCode::kDeadlineExceeded, "the time of the call was over before its turn came at " +
                                             title + "; it was not executed"};
}

struct TaskStart {
  ProcessId id = 0;
  FunctionIndex function;
  std::string args;  // one msgpack array
  TimePoint deadline = TimePoint::max();
  std::optional<Ticket> traced;  // the request for it, when it is traced
  std::string from;              // the pid of its asker, for people; may be empty
};

/// What Processes asks of its shell. The calls come from inside the inputs of Processes, on the
/// same thread; the shell must not call Processes from inside (it queues what it has to say).
class Runtime {
 public:
  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  virtual ~Runtime() = default;

  /// Runs a task's body. Unless it is refused here, it ends in exactly one on_exit(), or is
  /// forestalled. kOverloaded when the pool is full; any other error is handed on
  /// too.
  virtual Status start(TaskStart task) = 0;
  /// Constructs a server's state on a fiber, which then says on_wait() for its first delivery. It
  /// handles a delivery, says on_server_answer(), and so on until it ends in exactly one on_exit().
  virtual Status start_server(ProcessId id, ServerIndex server) = 0;
  /// Ends the wait of a process: exactly one for each on_wait() or on_server_answer(), and only
  /// after it.
  virtual void deliver(ProcessId id, Delivery delivery) = 0;
  /// True: the process has not taken what deliver() gave it last, as no worker was free for it; it
  /// never will, and waits as before. False: it has it, or waits for nothing.
  virtual bool take_back(ProcessId id) = 0;
  /// Sets the process's stop token, once. A process that waits in on_wait() is woken by a deliver()
  /// of nothing, which follows; one that waits for anything else the runtime wakes itself.
  virtual void stop(ProcessId id, std::string_view why) = 0;
  /// `bytes` of on_output() left the window: the process may put out as many more.
  virtual void give_credit(ProcessId id, std::size_t bytes) = 0;
  /// Whether the body of a started task has begun, or still waits for its turn; for listings.
  virtual bool has_begun(ProcessId id) const = 0;
  /// Whether it has taken what deliver() gave it last, or still waits for a worker; for listings.
  virtual bool has_taken(ProcessId id) const = 0;
  /// Whether its body waits without a worker, for whatever it is; for listings.
  virtual bool is_parked(ProcessId id) const = 0;
  /// True: the task's body had not begun and never will; nothing more is said of it or asked for
  /// it. False: it has begun, and nothing has changed.
  virtual bool forestall(ProcessId id) = 0;
  struct Workers {
    std::size_t busy = 0;
    std::size_t all = 0;
  };
  /// What runs bodies, at this moment; for messages.
  virtual Workers workers() const = 0;
  /// Answers a request, exactly once for each ticket. `result`: one msgpack value, or empty for
  /// nil.
  virtual void answer(Ticket ticket, const Status& outcome, std::string_view result) = 0;
  /// Something that an operator must know: one line for the log.
  virtual void report(const std::string& line) = 0;
};

}  // namespace kvmesh::tasks
