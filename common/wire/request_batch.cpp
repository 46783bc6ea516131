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
  entries_.push_back({id, deadline, static_cast<std::uint32_t>(at),
                      static_cast<std::uint32_t>(timeout_at), request.traced(), false});
  ++live_;
  earliest_ = std::min(earliest_, due(deadline));
  traced_ |= request.traced();
}

Buffer& RequestBatch::frame(TimePoint now, std::uint64_t stamp_us) {
  if (live_ < entries_.size()) take_out_expired();
  if (timed_) put_stamp(frame_, stamp_us);
  for (const auto& entry : entries_) {
    frame_.put_u32(entry.timeout_at, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                         remaining_ms(entry.deadline, now),
                                         static_cast<std::uint64_t>(limits::kTimeoutMax.count()))));
  }
  return frame_;
}

// What stays moves up over what goes.
void RequestBatch::take_out_expired() {
  const auto end = frame_.size();
  auto to = std::size_t{entries_.front().at};
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto entry = entries_[i];
    if (entry.over) continue;
    const auto next = i + 1 < entries_.size() ? entries_[i + 1].at : end;
    std::memmove(frame_.data() + to, frame_.data() + entry.at, next - entry.at);
    entry.timeout_at = static_cast<std::uint32_t>(to + (entry.timeout_at - entry.at));
    const auto size = next - entry.at;
    entry.at = static_cast<std::uint32_t>(to);
    to += size;
    entries_[kept++] = entry;
  }
  entries_.resize(kept);
  frame_.truncate(to);
}

void RequestBatch::clear() {
  frame_.clear();
  entries_.clear();
  live_ = 0;
  earliest_ = TimePoint::max();
  traced_ = false;
}

}  // namespace kvmesh::wire
