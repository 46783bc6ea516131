#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/operation.h>
#include <kvmesh/output.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include "common/remote/connection.h"
#include "common/remote/requests.h"
#include "common/remote/waiters.h"

namespace kvmesh::remote {

/// A task on some node, as whoever started it sees it. Starts it, asks for news over and over,
/// hands output to the sink in its order, and has the end once all output is taken. Driven by
/// answers: it needs no thread, and lives as long as an answer is due or somebody holds it.
///
/// A sink that is slow is read ahead for, up to limits::kTaskOutputBytesMax and one answer; then
/// the node is only told that there is still somebody.
///
/// Invariant: at most one poll and one write are under way.
/// Thread-safe; with its lock held it calls Waiter::wake() only.
class RemoteTask : public std::enable_shared_from_this<RemoteTask> {
 public:
  struct Order {
    Destination to;
    std::string function;
    Value::List args;
    Mode mode = Mode::kCall;
    std::chrono::milliseconds limit{0};  // 0: none but the node's own
    Timeout timeout;                     // of the first request
    std::shared_ptr<OutputSink> output;  // null: the port's
  };
  /// Built-in functions are asked for themselves: the answer is the end.
  static std::shared_ptr<RemoteTask> start(std::shared_ptr<Connection> connection, Order order);
  /// The same for any request.
  static std::shared_ptr<RemoteTask> ask(std::shared_ptr<Connection> connection,
                                         Operation operation, Timeout timeout);

  RemoteTask(const RemoteTask&) = delete;
  RemoteTask& operator=(const RemoteTask&) = delete;

  /// Waits until it has ended; false when it has not by then.
  bool wait_done(std::chrono::milliseconds timeout);
  /// Waits until it is known to run or has ended.
  bool wait_begun(std::chrono::milliseconds timeout);
  bool is_done() const;
  /// True when the Mesh is gone, so that nothing can be waited for.
  bool is_abandoned() const { return connection_->is_closed(); }
  /// Empty until it is known.
  std::optional<Pid> pid() const;
  /// REQUIRES: is_done().
  Result<Value> result() const;
  /// The same, without a copy. REQUIRES: nobody asks again.
  Result<Value> take_result();

  /// Tells it to stop; the node says when it has ended.
  void cancel();
  /// Ends it for its asker, at once, as `end`, unless it has ended. `stop` tells the node.
  void give_up(Status end, bool stop);
  /// What it has ended with, said in another way. REQUIRES: is_done().
  void replace_end(Status end);

  const std::string& function() const { return function_; }
  Mode mode() const { return mode_; }

 private:
  RemoteTask(std::shared_ptr<Connection> connection, std::string function, Mode mode,
             std::shared_ptr<OutputSink> output);

  void send(Operation operation, Timeout timeout, bool is_task);
  void on_answer(Outcome outcome, bool is_task);
  void take(Progress progress);
  Status failure(Status status) const;
  void on_taken();
  void advance();

  const std::shared_ptr<Connection> connection_;
  const std::string function_;
  const Mode mode_;
  const std::shared_ptr<OutputSink> output_;

  mutable std::mutex mutex_;
  std::optional<Ticket> task_;
  std::vector<OutputChunk> queued_;  // output that the sink has not been given
  std::size_t queued_bytes_ = 0;
  std::size_t written_bytes_ = 0;  // output that the sink was given and has not taken
  bool writing_ = false;
  bool asking_ = true;
  bool stop_wanted_ = false;
  bool given_up_ = false;
  std::optional<Result<Value>> end_;  // told when all output is taken
  bool done_ = false;
  Waiters waiters_;
};

}  // namespace kvmesh::remote
