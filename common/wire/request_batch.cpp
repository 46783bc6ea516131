#include "common/wire/request_batch.h"

#include <cstring>

#include <kvmesh/limits.h>

#include "common/wire/frame.h"

namespace kvmesh::wire {

void RequestBatch::add(const RequestView& request, RequestId id, TimePoint deadline,
                       const PathStep* step) {
  if (frame_.empty()) {
    begin_frame(frame_, timed_ ? FrameKind::kTimedRequests : FrameKind::kRequests);
    if (timed_) frame_.skip(kStampBytes);
  }
  const auto at = frame_.size();
  const auto timeout_at = append_open_request(frame_, request, id, step);
  items_.push_back({id, deadline, static_cast<std::uint32_t>(at),
                    static_cast<std::uint32_t>(timeout_at), request.traced(), false});
  ++live_;
  earliest_ = std::min(earliest_, due(deadline));
  traced_ |= request.traced();
}

Buffer& RequestBatch::frame(TimePoint now, std::uint64_t stamp_us) {
  if (live_ < items_.size()) take_out_expired();
  if (timed_) put_stamp(frame_, stamp_us);
  for (const auto& item : items_) {
    frame_.put_u32(item.timeout_at, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                        remaining_ms(item.deadline, now),
                                        static_cast<std::uint64_t>(limits::kTimeoutMax.count()))));
  }
  return frame_;
}

// What stays moves up over what goes.
void RequestBatch::take_out_expired() {
  const auto end = frame_.size();
  auto to = std::size_t{items_.front().at};
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    auto item = items_[i];
    if (item.over) continue;
    const auto next = i + 1 < items_.size() ? items_[i + 1].at : end;
    std::memmove(frame_.data() + to, frame_.data() + item.at, next - item.at);
    item.timeout_at = static_cast<std::uint32_t>(to + (item.timeout_at - item.at));
    const auto size = next - item.at;
    item.at = static_cast<std::uint32_t>(to);
    to += size;
    items_[kept++] = item;
  }
  items_.resize(kept);
  frame_.truncate(to);
}

void RequestBatch::clear() {
  frame_.clear();
  items_.clear();
  live_ = 0;
  earliest_ = TimePoint::max();
  traced_ = false;
}

}  // namespace kvmesh::wire
