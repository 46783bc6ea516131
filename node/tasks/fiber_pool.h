#pragma once

#include <kvmesh/status.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "node/tasks/run_queue.h"
#include "node/tasks/stack_pool.h"

namespace kvmesh::tasks {

class Fiber;

/// Names one fiber of a pool, also when that fiber has long ended; empty: none. A value: copy it
/// anywhere. It means nothing any more when the pool is gone.
class FiberRef {
 public:
  FiberRef() = default;
  explicit operator bool() const { return fiber_ != nullptr; }
  friend bool operator==(const FiberRef&, const FiberRef&) = default;

 private:
  friend class FiberPool;
  FiberRef(Fiber* fiber, std::uint64_t generation) : fiber_(fiber), generation_(generation) {}

  Fiber* fiber_ = nullptr;
  std::uint64_t generation_ = 0;
};

/// Runs functions on fibers: each has a stack of its own and can wait in the middle of what it does
/// without keeping a thread, so a few worker threads carry 100 000 that wait. One that waits takes
/// the pages of its stack that it has touched, mostly one or two, some 200 bytes, and its share of
/// the page tables: 2 KiB with stacks of 1 MiB, 128 bytes with 64 KiB.
///
/// What is ready runs first come, first served. A worker runs a fiber until it parks, yields or
/// ends: one that computes for long, or blocks in the system, keeps its worker from the others.
///
/// After park() or yield() a fiber may find itself on another thread. So a body keeps no
/// thread_local value and no locked std::mutex over one. The compiler does not know that threads
/// change: within one function it may use the first thread's errno, thread_local variables and
/// std::this_thread::get_id() to the end, so whatever reads those belongs in a function that does
/// not wait. Exceptions are fine, also in a catch block that waits.
///
/// A fiber that overruns its stack ends the process, after a message (see crash_report.h). What it
/// has locked or half done, also inside malloc, would stay so if it were given up alone.
///
/// Thread-safe.
class FiberPool {
 public:
  struct Options {
    std::size_t workers = 4;                ///< at least 1
    std::size_t stack_bytes = 1024 * 1024;  ///< rounded up to pages; at least 16 KiB is sensible
    std::size_t queue_max = 10000;          ///< fibers that wait to begin
    std::size_t fibers_max = 200000;     ///< fibers that exist, those that wait to begin included
    std::size_t stacks_kept_max = 1024;  ///< see StackPool::Options
    std::size_t stacks_guarded_max = std::numeric_limits<std::size_t>::max();  ///< likewise
    /// How long what is ready is left to the workers that are awake before another is woken. Not
    /// zero: see hurry().
    std::chrono::microseconds patience{0};
    std::chrono::microseconds busy_poll{0};  ///< how long a worker looks for more before it sleeps
  };
  /// Each of a moment; they need not fit together while fibers run.
  struct Counts {
    std::size_t existing = 0;
    std::size_t waiting_to_begin = 0;
    std::size_t parked = 0;
  };

  /// Starts the workers; the process aborts when the system has no threads for them.
  explicit FiberPool(const Options& options);

  /// Waits until all fibers have ended: whoever destroys the pool has seen to it that those that
  /// wait are woken. REQUIRES: no start() from outside of the pool's fibers, and no unpark() of a
  /// fiber that may have ended, is under way or comes later.
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  /// Runs `body` on a fiber, soon. Returns kOverloaded, and `body` will not run, when queue_max
  /// fibers wait to begin, fibers_max exist, or the system has no address space for a stack.
  /// An exception that leaves `body` ends the process. Neither does `body` run nor are its captures
  /// destroyed on the calling thread, except after kOverloaded. Thread-safe; fibers may call it
  /// too.
  Status start(std::function<void()> body);

  /// Bodies that start together: cheaper than each by itself. Owned by one thread.
  class Batch {
   public:
    explicit Batch(FiberPool& pool) : pool_(pool) {}
    ~Batch() { flush(); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    /// As FiberPool::start(), but it begins after flush() only.
    Status start(std::function<void()> body);
    void flush();

   private:
    FiberPool& pool_;
    std::vector<std::function<void()>> bodies_;
  };

  /// The fiber that calls; empty outside of fibers.
  static FiberRef current();

  /// Waits until another thread or fiber calls unpark() for this one, and returns at once when one
  /// has done so since the last park() returned: the calls are not counted, many are like one. What
  /// the caller of unpark() did before is visible. REQUIRES: called on a fiber; aborts otherwise.
  static void park();

  /// Ends the park() in which `fiber` waits, or else its next one. Does nothing when it has ended
  /// or the reference is empty. Thread-safe.
  static void unpark(FiberRef fiber);

  /// What messages about the calling fiber name, until it ends; `user.id` is also what on_workers()
  /// gives. REQUIRES: called on a fiber; aborts otherwise.
  static void set_user(const StackUser& user);

  /// Lets all that is ready run first. REQUIRES: called on a fiber; aborts otherwise.
  static void yield();

  /// With patience: another worker is woken if what is ready has waited for longer. REQUIRES:
  /// whoever starts or wakes fibers and does not sleep calls it now and then. Thread-safe.
  void check_patience() { queue_.check_patience(); }
  /// With patience: what is ready now waits no longer for those that are awake. REQUIRES: whoever
  /// starts or wakes fibers calls it before going to sleep. Thread-safe.
  void hurry() { queue_.hurry(); }
  /// Something waits for a worker. Of a moment; thread-safe.
  bool is_behind() const { return !queue_.looks_empty(); }

  Counts counts() const;
  StackPool::Counts stack_counts() const { return stacks_.counts(); }
  /// Of the stacks that were ever in use, those without a guard (see StackPool). Takes no lock.
  std::size_t unguarded_stacks() const { return stacks_.unguarded(); }
  std::size_t stack_bytes() const { return stacks_.stack_bytes(); }

  std::size_t workers() const { return workers_max_; }
  /// The StackUser::id of each fiber that is on a worker, 0 for one that has not set any. Of a
  /// moment; thread-safe.
  std::vector<std::uint64_t> on_workers() const;
  /// What was ever made ready to run, and what of that was begun or gone on with, in the same
  /// order. Thread-safe.
  RunQueue::Progress progress() const { return queue_.progress(); }

 private:
  Status admit();
  void work(std::atomic<Fiber*>& current);
  bool run(Fiber& fiber);
  Fiber& take_free();
  void put_free(Fiber& fiber);
  void leave_one();
  static void enter(void* fiber) noexcept;
  static void find_crash(const void* address, CrashSite& site);

  const Options options_;
  const std::size_t workers_max_;
  StackPool stacks_;
  std::mutex free_mutex_;
  std::vector<std::unique_ptr<Fiber>> fibers_;  // all there ever were at once
  std::vector<Fiber*> free_;                    // of those, without a fiber and without a stack
  std::atomic<std::size_t> existing_ = 0;
  std::atomic<std::size_t> parked_ = 0;
  std::atomic<bool> stopping_ = false;
  RunQueue queue_;
  std::vector<std::atomic<Fiber*>> current_;  // what each runs
  std::vector<std::thread> workers_;
};

}  // namespace kvmesh::tasks
