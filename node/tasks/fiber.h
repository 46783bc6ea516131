#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "node/tasks/fiber_switch.h"
#include "node/tasks/stack_pool.h"

namespace kvmesh::tasks {

class FiberPool;

/// The control block of a fiber. It is used for one fiber after the other and lives as long as its
/// pool, so that somebody who still knows an ended fiber can find out that it has ended: each fiber
/// is another *generation* of its block.
///
/// Thread rule: each method belongs to whom the heading above it says; the public members to the
/// worker that runs the fiber, and to the fiber itself.
class alignas(64) Fiber {
 public:
  enum class Allowed { kNothing, kPermit, kMayRun };

  explicit Fiber(FiberPool& its_pool) : pool(its_pool) {}

  // By a worker.

  void begin() { word_.store(next_generation() | kRunning, std::memory_order_release); }
  void end() {
    set_user({});
    word_.store(generation_bits() | kEnded, std::memory_order_release);
  }

  /// After the fiber has suspended itself in order to wait: true when it now waits, and another
  /// worker may already run it. False when a permit had come meanwhile; it is used up.
  bool begin_to_wait() {
    std::uint64_t expected = generation_bits() | kRunning;
    if (word_.compare_exchange_strong(expected, generation_bits() | kParked,
                                      std::memory_order_acq_rel)) {
      return true;
    }
    take_permit();
    return false;
  }

  // By the fiber itself.

  void set_user(const StackUser& its_user) {
    user = its_user;
    user_id.store(its_user.id, std::memory_order_relaxed);
  }

  std::uint64_t generation() const { return word_.load(std::memory_order_relaxed) / kStates; }

  bool take_permit() {
    std::uint64_t expected = generation_bits() | kPermit;
    return word_.compare_exchange_strong(expected, generation_bits() | kRunning,
                                         std::memory_order_acq_rel);
  }

  // By any thread.

  /// Gives the fiber of that generation a permit; kMayRun: it waited, and the caller must queue it.
  /// kNothing: it has ended.
  Allowed allow(std::uint64_t generation) {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (word / kStates != generation || word % kStates == kEnded) return Allowed::kNothing;
      const bool parked = word % kStates == kParked;
      // Written even when the permit is already there: the fiber that takes it must see what the
      // caller has written before, not only what the giver of that permit had.
      const std::uint64_t next = generation * kStates + (parked ? kRunning : kPermit);
      if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return parked ? Allowed::kMayRun : Allowed::kPermit;
      }
    }
  }

  FiberPool& pool;
  FiberSwitch execution;
  Stack stack;
  StackUser user;                          // what its messages name
  std::atomic<std::uint64_t> user_id = 0;  // of that, for other threads
  std::function<void()> body;              // until it has begun
  bool yields = false;  // why it has suspended itself: to go on at once, or to wait

 private:
  static constexpr std::uint64_t kStates = 4;
  static constexpr std::uint64_t kEnded = 0;
  static constexpr std::uint64_t kRunning = 1;  // or queued
  static constexpr std::uint64_t kPermit = 2;   // running, and its next wait is over at once
  static constexpr std::uint64_t kParked = 3;

  std::uint64_t generation_bits() const { return generation() * kStates; }
  std::uint64_t next_generation() const { return (generation() + 1) * kStates; }

  std::atomic<std::uint64_t> word_ = 0;  // generation * kStates + state
};

}  // namespace kvmesh::tasks
