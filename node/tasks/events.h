#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <kvmesh/operation.h>
#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/packed_operation.h"
#include "node/tasks/output_window.h"
#include "node/tasks/runtime.h"

/// What bodies on fibers tell the reactor. Values: nothing in them is shared with the fiber.
namespace kvmesh::tasks {

/// The body of a traced request.
struct Began {
  Ticket request;
  TimePoint at;
};
struct Exited {
  ProcessId id;
  Status status;
  std::string result;  // one msgpack value, or empty for nil
};
struct Wrote {
  ProcessId id;
  Stream stream;
  std::string bytes;
};
struct Waits {
  ProcessId id;
  std::optional<TimePoint> until;  // empty: for good
};
/// A server has handled its delivery.
struct Handled {
  ProcessId id;
  Status status;
  std::string result;
  std::optional<Began> call;  // of a call
};
struct WantsTimer {
  ProcessId id;
  std::chrono::milliseconds after;
  std::string body;
};
/// A message that arose on this node, for a process of this node.
struct Notice {
  ProcessId to;
  std::unique_ptr<Delivery> message;
};
struct Asks {
  std::unique_ptr<PackedOperation> operation;
  std::function<void(Outcome)> done;
  TimePoint due;  // it is to wait until then
};
using Event = std::variant<Began, Exited, Wrote, Waits, Handled, WantsTimer, Notice, Asks>;

/// Events on their way from the workers to the reactor, in the order in which they were pushed.
/// Thread-safe.
class EventQueue {
 public:
  /// `wake` is called by the first push() after may_sleep(); on any thread. REQUIRES: before that.
  void on_sleeper(std::function<void()> wake) { wake_ = std::move(wake); }

  void push(Event event) {
    bool wake = false;
    {
      const std::lock_guard lock{mutex_};
      events_.push_back(std::move(event));
      some_.store(true, std::memory_order_relaxed);
      wake = std::exchange(asleep_, false);
    }
    if (wake) wake_();
  }
  /// Moves all there are to `out`. REQUIRES: `out` is empty.
  void take(std::vector<Event>& out) {
    const std::lock_guard lock{mutex_};
    events_.swap(out);
    some_.store(false, std::memory_order_relaxed);
  }
  /// Of a moment that may be over.
  bool has_some() const { return some_.load(std::memory_order_relaxed); }
  /// False when there are some; else the next one wakes.
  bool may_sleep() {
    const std::lock_guard lock{mutex_};
    asleep_ = events_.empty();
    return asleep_;
  }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
  std::atomic<bool> some_ = false;
  bool asleep_ = false;
  std::function<void()> wake_ = [] {};
};

}  // namespace kvmesh::tasks
