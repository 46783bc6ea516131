#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/line_budget.h"
#include "common/names.h"
#include "common/wire/buffer.h"
#include "node/tasks/monitors.h"
#include "node/tasks/process.h"
#include "node/tasks/process_table.h"
#include "node/tasks/runtime.h"
#include "node/tasks/supervision.h"

namespace kvmesh::tasks {

/// The processes of a node: tasks, servers and mailboxes of clients, with what they have received,
/// put out and come to, who asks for them, monitors them and restarts them. Deterministic and free
/// of I/O: the same inputs give the same calls to Runtime; inputs carry the time, which never goes
/// backwards. Answers that say nothing else are packed as the table of functions in
/// common/PROTOCOL.md says. Invariants: every ticket is answered exactly once; every on_wait() and
/// on_server_answer() is ended by one deliver(). Owned by one thread; no locks.
class Processes {
 public:
  struct Options {
    NodeName self;
    /// The first id, which is to be random, so that ids of an earlier life of this node mean
    /// nothing.
    ProcessId first_id = 1;
    std::chrono::milliseconds slice = limits::kTaskSlice;
    std::chrono::milliseconds lease = limits::kTaskLease;
    /// How long a task may take at most, whatever its asker asks for; 0: as long as it likes.
    std::chrono::milliseconds time_limit{0};
    std::size_t processes_max = limits::kProcessesMax;
  };
  /// `runtime` must outlive it.
  Processes(Options options, Runtime& runtime);

  // ---- What is kept running. Before the node runs:

  /// kInvalidArgument when the name is taken or the policy makes no sense.
  Status add_server(std::string name, ServerIndex server, RestartPolicy policy);
  Status add_task(std::string name, Supervised::Task task, RestartPolicy policy);
  void start_supervised(TimePoint now);

  // ---- Requests. One with a ticket is answered through Runtime::answer(), now or later; the
  // others by what they return. kNotFound: there is no such process, or the key is not its own.

  struct Run {
    FunctionIndex function;
    std::string name;  // of the function, for people
    std::string args;  // one msgpack array
    Mode mode = Mode::kCall;
    std::chrono::milliseconds limit{0};  // 0: none but the node's; the shorter one holds
    std::string from;                    // a pid's text; empty: nobody that has one
    std::uint64_t key = 0;               // random
    bool traced = false;                 // the request wants to know when the body begins
  };
  /// Starts a task. Progress; kOverloaded when there are too many processes or the pool is full.
  void run(Ticket ticket, Run task, TimePoint now);
  /// Progress of a task when there is news, or at the slice's end. The end of a task that failed is
  /// its status: kTaskFailed and so on. A poll that waits already is answered with "nothing yet".
  void next(Ticket ticket, ProcessId id, std::uint64_t key, Wants wants, TimePoint now);
  /// Tells a process to stop. A server is restarted then, a client's mailbox is closed.
  Status cancel(ProcessId id, TimePoint now);
  /// What those who list may see, by its right_to().
  using Visible = std::function<bool(std::string_view right)>;
  /// An array of maps, the oldest first; as many as one page holds (limits::kPageItemsMax,
  /// kPageBytesMax). Empty `visible`: all.
  void list(wire::Buffer& out, TimePoint now, const Visible& visible = {}) const;

  /// What a caller from outside must be allowed to call before it may act on this process: the
  /// function of a task, all of a server (`counter.*`). Empty for a mailbox, which is no function.
  /// Also of one that has ended, as long as its reason is known; nullopt: there is none.
  std::optional<std::string> right_to(ProcessId id) const;
  /// The same by name, also when nothing has that name: it is then the one of a server.
  std::string right_to(std::string_view name) const;
  /// Whether this is the key of its asker, who may do with it as it likes.
  bool is_key_of(ProcessId id, std::uint64_t key) const;

  /// A mailbox for a client. kOverloaded when there are too many processes.
  Result<ProcessId> open(std::uint64_t key, TimePoint now);
  /// Messages of a client's mailbox, at most `most` (0: as many as fit), when there are any or,
  /// none, at the slice's end. A poll that waits already is answered with none.
  void receive(Ticket ticket, ProcessId id, std::uint64_t key, std::uint64_t most, Wants wants,
               TimePoint now);
  Status close(ProcessId id, std::uint64_t key, TimePoint now);

  /// Puts a message (Delivery::Kind::kMessage to kNodeDown) into a mailbox. kOverloaded: it is
  /// full; never for a node event, see Mailbox::push_event(). kTooLarge: more than a reply holds.
  /// By name: kUnavailable when it does not run at present.
  Status send(ProcessId to, Delivery message, TimePoint now);
  Status send(std::string_view to, Delivery message, TimePoint now);
  /// [alive, reason]: at the process's end, or [true, ""] at the slice's.
  void monitor(Ticket ticket, ProcessId id, TimePoint now);

  struct ServerRequest {
    std::string function;
    std::string args;  // one msgpack array
    std::string from;
    TimePoint deadline = TimePoint::max();  // of a call
  };
  /// What the server answers. kTaskFailed when it crashes with this call; kUnavailable when it does
  /// so with an earlier one or does not run; kOverloaded; kDeadlineExceeded when its turn comes too
  /// late.
  void server_call(Ticket ticket, std::string_view name, ServerRequest request, TimePoint now);
  /// Starts a server or permanent task anew, with a fresh count of restarts, also when it was given
  /// up or has ended: its new id, or empty when it starts later: one that runs is told to stop
  /// first, and a full pool is tried again. kNotFound: there is none of this name. kUnavailable: it
  /// cannot be started, or the node stops.
  Result<std::optional<ProcessId>> restart(std::string_view name, TimePoint now);
  Status server_cast(std::string_view name, ServerRequest request, TimePoint now);

  // ---- From the runtime. REQUIRES: the process was started and has not said on_exit(); aborts
  // otherwise.

  /// A body, or a server, has ended: with its result or why it failed.
  void on_exit(ProcessId id, Status status, std::string_view result, TimePoint now);
  /// REQUIRES: no more than the process has credit for: limits::kTaskOutputBytesMax at first.
  void on_output(ProcessId id, Stream stream, std::string_view bytes);
  /// It waits for a message until then (empty: for good). A server says it once, when its state is
  /// constructed. REQUIRES: it does not wait already.
  void on_wait(ProcessId id, std::optional<TimePoint> until, TimePoint now);
  /// A server has handled its delivery and is ready for the next. What it says of a call is the
  /// answer.
  void on_server_answer(ProcessId id, const Status& status, std::string_view result, TimePoint now);
  /// It wants to receive `body` as Delivery::Kind::kTimer. kOverloaded beyond the bounds of a
  /// mailbox.
  Status on_timer(ProcessId id, std::chrono::milliseconds after, std::string body, TimePoint now);

  // ---- Time.

  /// Answers the polls for which there was news. Call it after each batch of inputs: what came
  /// together leaves together.
  void flush(TimePoint now);
  /// Slices, leases, limits, restarts, timed messages; then flush(). Call it every few
  /// milliseconds. Costs what has come due, however many there are.
  void on_tick(TimePoint now);
  /// Tells all processes to stop, closes the mailboxes and refuses new ones. When size() is 0, all
  /// have ended and been forgotten.
  void stop_all(TimePoint now);

  std::size_t size() const { return table_.size(); }
  const Meters& meters() const { return table_.meters(); }
  /// How many times a tick has looked at a process, since the start.
  std::uint64_t visits() const { return visits_; }

 private:
  // Tasks: processes.cpp
  Status can_add() const;
  void begin_lease(Process& process, TimePoint now);
  void answer_poll(Process& process, TimePoint now);
  void hand_over(Process& process);
  void stop(Process& process, Process::Stop cause, std::string why, TimePoint now);
  bool forestall(Process& process, Process::Stop cause, std::string why, StatusCode code,
                 TimePoint now);
  bool kill(Process& process, std::string why, StatusCode code, TimePoint now);
  void decide(Process& process, Status status, std::string_view result);
  Status outcome_of(const Process& process, Status status) const;
  void tell_monitors(Process& process, std::string_view reason, TimePoint now);
  void replace_poll(Process& process, const Process::Poll& poll, TimePoint now);
  void answer_nothing_yet(Process& process, TimePoint now);
  void note_news(Process& process);

  // Messages: processes_messages.cpp
  Status push(Process& process, Delivery message, TimePoint now);
  void deliver_next(Process& process, TimePoint now);
  void deliver_nothing(Process& process);
  void answer_messages(Process& process, TimePoint now);
  void close(Process& process, std::string_view reason, TimePoint now);
  void refuse_late_calls(Process& process, TimePoint now);

  // Servers: processes_servers.cpp
  void start(std::uint32_t place, TimePoint now);
  void restart_failed(std::uint32_t place, const Status& status, TimePoint now);
  enum class End { kNormal, kCancelled, kFailed };
  void after_exit(std::uint32_t place, End end, const std::string& reason, TimePoint now);
  std::string right_to(const Process& process) const;
  void enter(Supervised& entry, Supervised::State state, TimePoint now);
  void refuse_calls(Process& process, const Status& status, const std::string& reason);
  Result<Process*> find_named(std::string_view name);
  Result<Process*> find_server(std::string_view name);

  // Time: processes_time.cpp
  void visit(Process& process, TimePoint now);
  void answer_poll_due(Process& process, TimePoint now);
  bool end_limit(Process& process, TimePoint now);
  bool end_lease(Process& process, TimePoint now);
  void retry_starts(TimePoint now);
  void report_left_out(std::uint64_t count);

  Process& of_runtime(ProcessId id);
  Status not_found(ProcessId id) const;
  Status not_found_by_key(ProcessId id) const;
  void answer_not_found(Ticket ticket, ProcessId id);
  std::string title(const Process& process) const;

  Options options_;
  Runtime& runtime_;
  ProcessTable table_;
  Supervision supervision_;
  EndedReasons ended_;
  std::vector<ProcessId> news_;
  std::deque<std::uint32_t> retries_;  // places in the supervision, in the order of their times
  bool stopping_ = false;
  LineBudget kills_;  // lines about processes that this node has ended
  std::uint64_t visits_ = 0;
  wire::Buffer scratch_;  // an answer; kept for its memory
};

}  // namespace kvmesh::tasks
