#pragma once

#include <cstddef>

namespace kvmesh::mesh {

/// What a frame takes in a queue beside its bytes: its place, what its buffer has to spare, and
/// what the allocator needs. Without it frames of a few bytes would make any bound many times too
/// large.
inline constexpr std::size_t kQueuedFrameBytes = 320;

/// Bytes in a queue of one connection; those of all connections are counted together in a place
/// that must outlive it. Not thread-safe.
class QueuedBytes {
 public:
  explicit QueuedBytes(std::size_t& of_all) : of_all_(of_all) {}
  ~QueuedBytes() { clear(); }
  QueuedBytes(const QueuedBytes&) = delete;
  QueuedBytes& operator=(const QueuedBytes&) = delete;

  void add(std::size_t bytes) {
    value_ += bytes;
    of_all_ += bytes;
  }
  void subtract(std::size_t bytes) {
    value_ -= bytes;
    of_all_ -= bytes;
  }
  void clear() { subtract(value_); }
  std::size_t value() const { return value_; }

 private:
  std::size_t& of_all_;
  std::size_t value_ = 0;
};

}  // namespace kvmesh::mesh
