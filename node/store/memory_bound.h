#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <kvmesh/status.h>

namespace kvmesh::store {

// How much memory an engine holds and how much it may.
// Thread-safe. Threads that reserve at once never get more than the bound together, and one that is
// refused takes nothing away from another, not even for a moment.
class MemoryBound {
 public:
  explicit MemoryBound(std::uint64_t bytes_max) : max_(bytes_max) {}

  // OK, or kFull with both numbers and nothing reserved.
  Status reserve(std::uint64_t bytes) {
    auto held = held_.load(std::memory_order_relaxed);
    do {
      if (held > max_ || bytes > max_ - held) return full(held, bytes);
    } while (!held_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
    return {};
  }
  // Counts memory that is taken already, whatever the bound.
  void charge(std::uint64_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::uint64_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::uint64_t held() const { return held_.load(std::memory_order_relaxed); }
  std::uint64_t max() const { return max_; }

 private:
  Status full(std::uint64_t held, std::uint64_t bytes) const {
    return {StatusCode::kFull, "the store holds " + std::to_string(held) +
                                   " bytes and this needs " + std::to_string(bytes) +
                                   " more, over kv.memory_max of " + std::to_string(max_) +
                                   "; delete something or raise it"};
  }

  std::uint64_t max_;
  std::atomic<std::uint64_t> held_ = 0;
};

}  // namespace kvmesh::store
