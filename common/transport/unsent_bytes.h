#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace kvmesh::transport {

/// Bytes of large frames that a socket has taken and its I/O thread has not written yet; libzmq
/// bounds its queues in frames only, and a frame may have mebibytes. Thread-safe. Shared, for
/// libzmq may hold frames for longer than whoever sent them lives.
class UnsentBytes {
 public:
  /// What is counted here is counted in `all` as well, when there is one.
  explicit UnsentBytes(std::shared_ptr<UnsentBytes> all = nullptr) : all_(std::move(all)) {}

  void add(std::size_t bytes) {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (all_) all_->add(bytes);
  }
  void subtract(std::size_t bytes) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    if (all_) all_->subtract(bytes);
  }
  std::size_t value() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> bytes_{0};
  std::shared_ptr<UnsentBytes> all_;
};

}  // namespace kvmesh::transport
