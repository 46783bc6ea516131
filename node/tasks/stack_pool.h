#pragma once

#include <kvmesh/status.h>

#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>
#include <vector>

namespace kvmesh::tasks {

/// The memory that one fiber runs on: stack_bytes() of its pool from `low` upwards.
struct Stack {
  std::byte* low = nullptr;
  bool guarded = false;  ///< the page below `low` cannot be touched
};

/// Stacks of one size, reserved from the system in slabs and given out again last in, first out, so
/// that short-lived users share few, warm ones. Only pages that were touched take memory.
///
/// A stack that is overrun must not silently change another's bytes. The page below each is
/// nobody's: as long as the system's bound on mappings allows, touching it is a fault (each such
/// page splits a mapping in two, and vm.max_map_count is 65530 as a rule). The other stacks have in
/// it a canary, which check() looks at. Fresh memory is zero, and so is an intact canary. A look at
/// it may take a page (some systems map a shared page of zeros, others a new one), so it is taken
/// seldom, and release() gives that page back with the stack.
///
/// Thread-safe.
class StackPool {
 public:
  struct Options {
    /// Rounded up to whole pages.
    std::size_t stack_bytes = 64 * 1024;
    /// Free stacks that keep the memory they have touched; that of others goes back to the system.
    std::size_t kept_max = 1024;
    /// Stacks with a guard page. All pools of the process together have no more than an eighth of
    /// vm.max_map_count, which takes a quarter of the mappings, whatever is asked for here.
    std::size_t guarded_max = std::numeric_limits<std::size_t>::max();
  };
  struct Counts {
    std::size_t reserved = 0;  ///< all there are
    std::size_t in_use = 0;    ///< acquired and not released
    std::size_t guarded = 0;   ///< of those ever acquired, with a guard page
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

  /// Aborts with a message on stderr when `stack_pointer`, where the stack's user stands, is
  /// outside of `stack`, or when its canary was overwritten since it was acquired. The canary of
  /// one that goes on is looked at only when it stands in the lower half.
  void check(const Stack& stack, const void* stack_pointer, Use use) const;

  std::size_t stack_bytes() const { return stack_bytes_; }
  Counts counts() const;

 private:
  std::byte* low_of(std::size_t index) const;
  bool guard(std::byte* low);

  const std::size_t page_bytes_;
  const std::size_t stack_bytes_;
  const std::size_t slot_bytes_;  // the page below and the stack
  const std::size_t slots_per_slab_;
  const std::size_t kept_max_;
  const std::size_t guarded_max_;

  mutable std::mutex mutex_;
  std::vector<std::byte*> slabs_;
  std::size_t used_ = 0;     // slots that were ever acquired: the first ones of the slabs
  std::size_t guarded_ = 0;  // of those
  std::vector<Stack> kept_;  // free; the last one was released last
  std::vector<Stack> cold_;  // free, and their memory went back to the system
  std::atomic<std::size_t> reserved_ = 0;
};

}  // namespace kvmesh::tasks
