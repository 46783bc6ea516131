// Requests that a link has not sent yet: in batches, which leave or expire here.

#include <utility>

#include <kvmesh/limits.h>

#include "common/transport/link.h"
#include "common/transport/stamp_clock.h"

namespace kvmesh::transport {
namespace {

// Given to the socket, beyond the last frame: more would only wait there, where its time may be
// over without that it can be taken back.
constexpr std::size_t kSocketBytesMax = 1024 * 1024;
}  // namespace

void Link::add_request(const RequestView& request, RequestId id, TimePoint deadline,
                       const wire::PathStep* step) {
  batch_.add(request, id, deadline, step);
  if (batch_.bytes() >= limits::kRequestBatchBytes) send_batches();
}

void Link::flush() {
  send_batches();
  tell_expired();
}

void Link::send_batches() {
  if (state_ != State::kUp) return;
  // The usual case: nothing waits, and the batch keeps its memory for the next pass.
  if (sealed_.empty() && (batch_.empty() || send(batch_))) return;
  if (!batch_.empty()) seal();
  // A large frame that is not taken costs a copy, so the socket is asked first.
  if (!has_room() || !dealer_->poll().output) return;
  while (!sealed_.empty() && send(sealed_.front().batch)) pop_sealed();
}

void Link::seal() {
  sealed_.emplace_back(std::exchange(batch_, wire::RequestBatch{timed_}));
  sealed_requests_ += sealed_.back().requests;
  sealed_bytes_ += sealed_.back().bytes;
}

void Link::pop_sealed() {
  sealed_requests_ -= sealed_.front().requests;
  sealed_bytes_ -= sealed_.front().bytes;
  sealed_.pop_front();
}

bool Link::has_room() const { return dealer_->unsent_bytes() < kSocketBytesMax; }

// False when it must wait; true: all of it has left that still may, and the batch is empty.
bool Link::send(wire::RequestBatch& batch) {
  // Before it is sent: the peer may have answered before this thread goes on.
  const auto now = options_.clock();
  expire(batch, now);
  if (!batch.empty()) {
    if (!has_room() || !send(batch.frame(now, timed_ ? stamp_now_us() : 0))) return false;
    batch.each_traced([&](RequestId id) { events_.on_sent(*this, id, now); });
  }
  batch.clear();
  return true;
}

// Those that expire are told later: whoever adds a request may not be able to hear of others then.
void Link::expire(wire::RequestBatch& batch, TimePoint now) {
  batch.expire(now, [this](RequestId id) { expired_.push_back(id); });
}

void Link::expire_all(TimePoint now) {
  expire(batch_, now);
  if (batch_.empty()) batch_.clear();
  for (auto& sealed : sealed_) expire(sealed.batch, now);
  std::erase_if(sealed_, [this](const Sealed& sealed) {
    if (!sealed.batch.empty()) return false;
    sealed_requests_ -= sealed.requests;
    sealed_bytes_ -= sealed.bytes;
    return true;
  });
}

void Link::tell_expired() {
  if (expired_.empty()) return;
  for (const auto id : std::exchange(expired_, {})) events_.on_expired(*this, id);
}

}  // namespace kvmesh::transport
