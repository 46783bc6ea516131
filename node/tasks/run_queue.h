#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "common/busy_poll.h"

namespace kvmesh::tasks {

class Fiber;

/// What a worker does next: go on with `fiber` or, when that is null, begin `body`.
struct Runnable {
  Fiber* fiber = nullptr;
  std::function<void()> body;
};

/// What is ready to run, first in, first out, between whoever makes it ready and the workers.
///
/// Waking a thread costs microseconds, so it is done one at a time and only when no worker is
/// already looking for work. A worker that is awake is left alone with the queue for `patience`:
/// another is woken when the first in the queue has waited longer, which whoever pushes or pops
/// sees. When nobody does for a while, as all workers run something long, check_patience() and
/// hurry() do it.
/// Invariant: after hurry(), when something is queued and a worker sleeps, a worker is looking,
/// until the queue has been empty. Without patience that is so always.
///
/// Thread-safe. No lock is held after a call has returned.
class RunQueue {
 public:
  struct Options {
    std::size_t workers = 1;     ///< threads that call pop()
    std::size_t bodies_max = 1;  ///< bodies that wait; fibers that go on are not bounded here
    std::chrono::microseconds patience{0};
    /// How long a worker looks before it sleeps, while that pays.
    std::chrono::microseconds busy_poll{0};
  };
  explicit RunQueue(const Options& options)
      : options_(options), busy_poll_(options.busy_poll), eager_(options.patience.count() == 0) {}

  /// A place for one more body, for push() to fill; false when `bodies_max` have one.
  bool reserve_body();
  /// Queues them all; each has a place. Leaves `bodies` empty, with its memory.
  void push(std::vector<std::function<void()>>& bodies);
  void push(Fiber& fiber);

  /// The first in the queue, waiting for it if need be. Empty when the queue is empty and closed.
  std::optional<Runnable> pop();

  /// Wakes another worker when the first in the queue has waited for too long. For whoever pushes
  /// and has time to look, as workers that run something long do not.
  void check_patience();

  /// Ends the patience with what is queued now. Call it soon after a push, when that thread has
  /// nothing else to do.
  void hurry();

  /// Sends those home who wait in pop() and will.
  void close();

  struct Progress {
    std::uint64_t pushed = 0;
    std::uint64_t popped = 0;
  };
  /// Since the start. What is pushed as the n-th is popped as the n-th.
  Progress progress() const;

  std::size_t bodies() const { return bodies_.load(std::memory_order_relaxed); }
  /// Of a moment that may be over.
  bool looks_empty() const { return size_.load(std::memory_order_relaxed) == 0; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Runnable runnable;
    Clock::time_point since;  // not set when eager
  };

  void push_locked(Runnable runnable, Clock::time_point now);
  void pushed_locked(Clock::time_point now);
  Clock::time_point now() const { return eager_ ? Clock::time_point{} : Clock::now(); }
  bool first_is_late(Clock::time_point now) const;
  void wake_one();
  void look(bool pays);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;
  std::uint64_t pushed_ = 0;             // ever
  std::atomic<std::size_t> size_ = 0;    // of queue_, to look at without the lock
  std::atomic<std::size_t> bodies_ = 0;  // those that begin, queued or with a place only
  std::size_t looking_ = 0;  // workers that are awake without work, and those that are being woken
  std::size_t asleep_ = 0;   // workers that sleep and that nobody is waking
  std::size_t wakes_ = 0;    // sleepers that may get up and have not yet
  BusyPoll busy_poll_;       // of whoever is looking
  bool looking_pays_ = false;  // the last wait for work was over soon enough for that
  bool eager_ = false;         // no patience
  bool closed_ = false;
};

}  // namespace kvmesh::tasks
