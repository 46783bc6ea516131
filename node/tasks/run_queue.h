#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

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
/// already looking for work; a worker that finds some while more is left wakes the next. Invariant:
/// when something is queued and a worker sleeps, a worker is looking.
///
/// Thread-safe. No lock is held after a call has returned.
class RunQueue {
 public:
  /// At most `bodies_max` bodies wait; fibers that go on are not bounded here.
  explicit RunQueue(std::size_t bodies_max) : bodies_max_(bodies_max) {}

  /// False, and `body` is as it was, when `bodies_max` bodies wait.
  bool push_body(std::function<void()>& body);
  void push(Fiber& fiber);

  /// The first in the queue, waiting for it if need be. Empty when the queue is empty and closed.
  std::optional<Runnable> pop();

  /// Sends those home who wait in pop() and will.
  void close();

  std::size_t bodies() const { return bodies_.load(std::memory_order_relaxed); }
  /// Of a moment that may be over.
  bool looks_empty() const { return size_.load(std::memory_order_relaxed) == 0; }

 private:
  void push_locked(Runnable runnable);
  void wake_one();
  void spin() const;

  const std::size_t bodies_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Runnable> queue_;
  std::atomic<std::size_t> size_ = 0;    // of queue_, to look at without the lock
  std::atomic<std::size_t> bodies_ = 0;  // of those, the ones that begin
  std::size_t looking_ = 0;  // workers that are awake without work, and those that are being woken
  std::size_t asleep_ = 0;   // workers that sleep and that nobody is waking
  std::size_t wakes_ = 0;    // sleepers that may get up and have not yet
  bool closed_ = false;
};

}  // namespace kvmesh::tasks
