#pragma once

#include <kvmesh/status.h>

#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>
#include <vector>

#include "node/tasks/crash_report.h"

namespace kvmesh::tasks {

/// The memory that one fiber runs on: stack_bytes() of its pool from `low` upwards.
struct Stack {
  std::byte* low = nullptr;
  bool guarded = false;  ///< what is below `low` cannot be touched
};

/// Stacks of one size, reserved from the system in slabs and given out again last in, first out, so
/// that short-lived users share few, warm ones. Only pages that were touched take memory.
///
/// A stack that is overrun must not silently change another's bytes, so below each is a *guard*: a
/// sixteenth of the stack, at least a page and at most 64 KiB, that belongs to nobody. Touching it
/// is a fault. Linux 6.13 and later mark its pages (MADV_GUARD_INSTALL), for as many stacks as
/// there are. Earlier ones can only protect them (mprotect), which splits the mapping in two, and
/// vm.max_map_count is 65530 as a rule: so all pools of the process together protect no more than
/// an eighth of that many guards, which takes a quarter of the mappings.
///
/// The other stacks are *unguarded*, and counted. Their guard has a canary, which check() looks at.
/// Fresh memory is zero, and so is an intact canary. A look at it may take a page (some systems map
/// a shared page of zeros, others a new one), so it is taken seldom, and release() gives that page
/// back with the stack.
///
/// Thread-safe.
class StackPool {
 public:
  struct Options {
    /// Rounded up to whole pages.
    std::size_t stack_bytes = 64 * 1024;
    /// Free stacks that keep the memory of their upper 64 KiB; all other memory of free stacks goes
    /// back to the system.
    std::size_t kept_max = 1024;
    /// Stacks with a guard, also where the system allows more.
    std::size_t guarded_max = std::numeric_limits<std::size_t>::max();
    /// Whether pages are marked where the system can. False: as on systems that cannot.
    bool marks = true;
  };
  struct Counts {
    std::size_t reserved = 0;  ///< all there are
    std::size_t in_use = 0;    ///< acquired and not released
    std::size_t guarded = 0;   ///< of those ever acquired, with a guard
  };

  explicit StackPool(const Options& options);
  /// REQUIRES: every stack has been released; aborts otherwise.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  /// Sees to it that there are at least `count` stacks in all. Returns kOverloaded when the system
  /// gives no more address space; what there is stays usable.
  Status reserve(std::size_t count);

  /// A stack with arbitrary content. REQUIRES: fewer are in use than were reserved; aborts
  /// otherwise.
  Stack acquire();

  /// Takes a stack of this pool back.
  void release(Stack stack) noexcept;

  /// What the stack's user does next, as far as it tells how thoroughly to look.
  enum class Use { kGoesOn, kHasEnded };

  /// Aborts with a message on stderr, which names `user`, when `stack_pointer`, where the stack's
  /// user stands, is outside of `stack`, or when its canary was overwritten since it was acquired.
  /// The canary of one that goes on is looked at only when it stands in the lower half.
  void check(const Stack& stack, const void* stack_pointer, Use use,
             const StackUser& user = {}) const;

  /// Whether `address` is in the guard of `stack`. Async-signal-safe.
  bool is_guard_of(const Stack& stack, const void* address) const;

  std::size_t stack_bytes() const { return stack_bytes_; }
  Counts counts() const;
  /// Of those ever acquired, without a guard. Takes no lock.
  std::size_t unguarded() const { return unguarded_.load(std::memory_order_relaxed); }

 private:
  std::byte* low_of(std::size_t index) const;
  bool guard(std::byte* low);
  bool protect(std::byte* guard);

  const std::size_t stack_bytes_;
  const std::size_t guard_bytes_;
  const std::size_t slot_bytes_;  // the guard, and above it the stack
  const std::size_t slots_per_slab_;
  const std::size_t kept_max_;
  const std::size_t guarded_max_;
  const bool marks_;

  mutable std::mutex mutex_;
  std::vector<std::byte*> slabs_;
  std::size_t used_ = 0;     // slots that were ever acquired: the first ones of the slabs
  std::size_t guarded_ = 0;  // of those
  std::size_t split_ = 0;    // of the guarded ones: protected
  std::size_t keeping_ = 0;  // on their way to kept_
  std::vector<Stack> kept_;  // free; the last one was released last
  std::vector<Stack> cold_;  // free, and their memory went back to the system
  std::atomic<std::size_t> unguarded_ = 0;
  std::atomic<std::size_t> reserved_ = 0;
};

}  // namespace kvmesh::tasks
