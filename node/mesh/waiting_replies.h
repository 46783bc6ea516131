#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "common/meter.h"
#include "common/wire/buffer.h"

namespace kvmesh::mesh {

/// What a frame takes in a queue beside its bytes: its place, what its buffer has to spare, and
/// what the allocator needs. Without it frames of a few bytes would make any bound many times too
/// large.
inline constexpr std::size_t kQueuedFrameBytes = 320;

/// Reply frames that one connection's socket did not take yet, oldest first. Not thread-safe.
class WaitingReplies {
 public:
  /// `of_all`: those of all connections; must outlive it.
  explicit WaitingReplies(Meter& of_all) : bytes_(of_all) {}

  bool empty() const { return frames_.empty(); }
  std::size_t bytes() const { return bytes_.bytes(); }

  void add(wire::Buffer frame) {
    bytes_.add(frame.size() + kQueuedFrameBytes);
    frames_.push_back(std::move(frame));
  }
  /// Gives the oldest to `send`, which tells whether it was taken, until one is not.
  template <typename Send>
  void send_all(Send send) {
    while (!frames_.empty()) {
      const auto bytes = frames_.front().size() + kQueuedFrameBytes;  // sending may empty it
      if (!send(frames_.front())) return;
      bytes_.remove(bytes);
      frames_.pop_front();
    }
  }
  void clear() {
    frames_.clear();
    bytes_.clear();
  }

 private:
  std::deque<wire::Buffer> frames_;
  Held bytes_;
};

}  // namespace kvmesh::mesh
