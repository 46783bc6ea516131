#include "node/tasks/stack_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kSlabBytes = 8 * 1024 * 1024;
constexpr std::size_t kSlotsPerSlabMax = 64;
constexpr std::size_t kCanaryWords = 8;  // one cache line
constexpr std::size_t kMappingsDefault = 65530;
constexpr std::size_t kGuardBytesMax = 64 * 1024;
constexpr std::size_t kKeptBytes = 64 * 1024;  // of a free stack that stays warm
constexpr int kGuardInstall = 102;             // MADV_GUARD_INSTALL, which older headers lack

// Protected guards of all pools of the process.
std::atomic<std::size_t> guards_in_use = 0;
// The system was asked to mark pages and does not know how.
std::atomic<bool> cannot_mark = false;

std::size_t page_bytes() {
  static const auto kBytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kBytes;
}

std::size_t guards_in_use_max() {
  static const std::size_t kMax = [] {
    std::size_t mappings = kMappingsDefault;
    std::ifstream{"/proc/sys/vm/max_map_count"} >> mappings;
    return mappings / 4 / 2;
  }();
  return kMax;
}

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::size_t guard_bytes_for(std::size_t stack_bytes) {
  return std::clamp(stack_bytes / 16 / page_bytes() * page_bytes(), page_bytes(), kGuardBytesMax);
}

bool mark(std::byte* guard, std::size_t bytes) {
  if (cannot_mark.load(std::memory_order_relaxed)) return false;
  if (madvise(guard, bytes, kGuardInstall) == 0) return true;
  // Also where memory is locked (mlockall), which will not change.
  if (errno == EINVAL) cannot_mark.store(true, std::memory_order_relaxed);
  return false;
}

}  // namespace

StackPool::StackPool(const Options& options)
    : stack_bytes_(round_up(options.stack_bytes, page_bytes())),
      guard_bytes_(guard_bytes_for(stack_bytes_)),
      slot_bytes_(guard_bytes_ + stack_bytes_),
      slots_per_slab_(std::clamp<std::size_t>(kSlabBytes / slot_bytes_, 1, kSlotsPerSlabMax)),
      kept_max_(options.kept_max),
      guarded_max_(options.guarded_max),
      marks_(options.marks) {}

StackPool::~StackPool() {
  if (kept_.size() + cold_.size() != used_) {
    std::fprintf(stderr, "kvmesh: a stack pool was destroyed while %zu of its stacks are in use\n",
                 used_ - kept_.size() - cold_.size());
    std::abort();
  }
  for (std::byte* slab : slabs_) munmap(slab, slots_per_slab_ * slot_bytes_);
  guards_in_use.fetch_sub(split_);
}

Status StackPool::reserve(std::size_t count) {
  if (count <= reserved_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  const std::size_t slab_bytes = slots_per_slab_ * slot_bytes_;
  while (reserved_.load(std::memory_order_relaxed) < count) {
    void* slab = mmap(nullptr, slab_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (slab == MAP_FAILED) {
      return {StatusCode::kOverloaded,
              "no memory for more stacks: the system refused " + std::to_string(slab_bytes) +
                  " bytes of address space (" + std::generic_category().message(errno) +
                  ") beyond the " + std::to_string(reserved_) + " stacks of " +
                  std::to_string(stack_bytes_) + " bytes that there are; lower tasks.stack_bytes"};
    }
    // A huge page would give memory to 32 stacks at once when one of them is touched.
    madvise(slab, slab_bytes, MADV_NOHUGEPAGE);
    slabs_.push_back(static_cast<std::byte*>(slab));
    const std::size_t reserved = slabs_.size() * slots_per_slab_;
    kept_.reserve(std::min(reserved, kept_max_));  // so that release() need not allocate
    cold_.reserve(reserved);
    reserved_.store(reserved, std::memory_order_release);
  }
  return {};
}

Stack StackPool::acquire() {
  std::byte* fresh = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (auto* list : {&kept_, &cold_}) {
      if (list->empty()) continue;
      const Stack stack = list->back();
      list->pop_back();
      return stack;
    }
    if (used_ == reserved_.load(std::memory_order_relaxed)) {
      std::fprintf(stderr, "kvmesh: a stack was acquired beyond the %zu that were reserved\n",
                   used_);
      std::abort();
    }
    fresh = low_of(used_++);
  }
  const bool guarded = guard(fresh);
  return {fresh, guarded};
}

// Memory goes back before others can have the stack: with what is below it, as looking at the
// canary may have taken a page there. Nothing of that undoes a guard.
void StackPool::release(Stack stack) noexcept {
  bool keep = false;
  {
    const std::lock_guard lock(mutex_);
    keep = kept_.size() + keeping_ < kept_max_;
    if (keep) ++keeping_;
  }
  const std::size_t kept = keep ? std::min(kKeptBytes, stack_bytes_) : 0;
  if (kept < stack_bytes_) madvise(stack.low - guard_bytes_, slot_bytes_ - kept, MADV_DONTNEED);
  const std::lock_guard lock(mutex_);
  if (keep) --keeping_;
  (keep ? kept_ : cold_).push_back(stack);
}

void StackPool::check(const Stack& stack, const void* stack_pointer, Use use,
                      const StackUser& user) const {
  const auto low = reinterpret_cast<std::uintptr_t>(stack.low);
  const auto place = reinterpret_cast<std::uintptr_t>(stack_pointer);
  std::uint64_t overwritten = 0;
  // A look for every one of 100 000 that wait would double the memory that they take.
  if (!stack.guarded && (use == Use::kHasEnded || place < low + stack_bytes_ / 2)) {
    const auto* canary = reinterpret_cast<const volatile std::uint64_t*>(stack.low) - kCanaryWords;
    for (std::size_t i = 0; i < kCanaryWords; ++i) overwritten |= canary[i];
  }
  if (overwritten == 0 && place >= low && place <= low + stack_bytes_) return;
  end_overrun(user, stack_bytes_);
}

bool StackPool::is_guard_of(const Stack& stack, const void* address) const {
  const auto low = reinterpret_cast<std::uintptr_t>(stack.low);
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  return stack.low != nullptr && place < low && place >= low - guard_bytes_;
}

StackPool::Counts StackPool::counts() const {
  const std::lock_guard lock(mutex_);
  return {reserved_.load(std::memory_order_relaxed), used_ - kept_.size() - cold_.size(), guarded_};
}

std::byte* StackPool::low_of(std::size_t index) const {
  return slabs_[index / slots_per_slab_] + index % slots_per_slab_ * slot_bytes_ + guard_bytes_;
}

bool StackPool::guard(std::byte* low) {
  std::byte* const guard = low - guard_bytes_;
  bool guarded = false;
  {
    const std::lock_guard lock(mutex_);
    if (guarded_ < guarded_max_) {
      ++guarded_;
      guarded = true;
    }
  }
  if (guarded && (!marks_ || !mark(guard, guard_bytes_)) && !protect(guard)) {
    const std::lock_guard lock(mutex_);
    --guarded_;
    guarded = false;
  }
  if (!guarded) unguarded_.fetch_add(1, std::memory_order_relaxed);
  return guarded;
}

bool StackPool::protect(std::byte* guard) {
  if (guards_in_use.fetch_add(1) >= guards_in_use_max() ||
      // Fails when others have used up the mappings; the canary serves as well.
      mprotect(guard, guard_bytes_, PROT_NONE) != 0) {
    guards_in_use.fetch_sub(1);
    return false;
  }
  const std::lock_guard lock(mutex_);
  ++split_;
  return true;
}

}  // namespace kvmesh::tasks
