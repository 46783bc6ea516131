#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/deadline.h"
#include "common/request.h"
#include "common/wire/buffer.h"
#include "common/wire/record.h"

namespace kvmesh::wire {

/// Requests that will leave in one frame. What is left of their time is written when they leave,
/// and those whose time is over by then do not leave. Keeps its memory for the next frame. No I/O;
/// not thread-safe.
class RequestBatch {
 public:
  /// `timed`: its frames are TIMED_REQUESTS, which say when they left.
  explicit RequestBatch(bool timed = false) : timed_(timed) {}

  /// Adds a request that is of no use to its receiver after `deadline`.
  void add(const RequestView& request, RequestId id, TimePoint deadline, const PathStep* step);

  /// No request is in it that may leave.
  bool empty() const { return live_ == 0; }
  /// Of the frame; what has expired counts until the frame leaves.
  std::size_t bytes() const { return frame_.size(); }
  std::size_t requests() const { return items_.size(); }

  /// Tells `on_expired` the id of each request whose time is over, once; it will not leave. The
  /// callee must not use the batch.
  template <typename OnExpired>
  void expire(TimePoint now, OnExpired&& on_expired) {
    if (now < earliest_) return;
    earliest_ = TimePoint::max();
    for (auto& item : items_) {
      if (item.over) continue;
      if (remaining_ms(item.deadline, now) > 0) {
        earliest_ = std::min(earliest_, due(item.deadline));
        continue;
      }
      item.over = true;
      --live_;
      on_expired(item.id);
    }
  }

  /// The frame as it leaves at `now`, with `stamp_us` in it when it is timed. May be called again
  /// when the frame did not leave after all. REQUIRES: expire(now) was called, !empty().
  Buffer& frame(TimePoint now, std::uint64_t stamp_us);

  /// Tells the ids of those that may leave, in their order.
  template <typename Visit>
  void each(Visit&& visit) const {
    for (const auto& item : items_) {
      if (!item.over) visit(item.id);
    }
  }
  /// The same of those that are traced.
  template <typename Visit>
  void each_traced(Visit&& visit) const {
    if (!traced_) return;
    for (const auto& item : items_) {
      if (item.traced && !item.over) visit(item.id);
    }
  }
  bool any_traced() const { return traced_; }

  /// Forgets all, for the next frame.
  void clear();

 private:
  struct Item {
    RequestId id;
    TimePoint deadline;
    std::uint32_t at = 0;          // where its record begins
    std::uint32_t timeout_at = 0;  // where its time left is to be written
    bool traced = false;
    bool over = false;
  };

  // From then on less than a millisecond is left, which is told as none.
  static TimePoint due(TimePoint deadline) { return deadline - std::chrono::milliseconds{1}; }
  void take_out_expired();

  bool timed_;
  Buffer frame_;
  std::vector<Item> items_;
  std::size_t live_ = 0;
  TimePoint earliest_ = TimePoint::max();  // of those that live, by due()
  bool traced_ = false;
};

}  // namespace kvmesh::wire
