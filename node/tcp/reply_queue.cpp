#include "node/tcp/reply_queue.h"

#include <utility>

namespace kvmesh::tcp {

std::uint64_t ReplyQueue::push(Verb verb) {
  if (size() == ring_.size()) grow();
  Place& place = at(end_);
  place.verb = verb;
  place.answered = false;
  return end_++;
}

bool ReplyQueue::is_waiting(std::uint64_t place) const {
  return place >= first_ && place < end_ && !at(place).answered;
}

wire::Buffer& ReplyQueue::text_buffer(std::uint64_t place, wire::Buffer& out) {
  return place == first_ ? out : at(place).text;
}

void ReplyQueue::answered(std::uint64_t place, wire::Buffer& out) {
  at(place).answered = true;
  if (place != first_) {
    waiting_bytes_ += at(place).text.size();
    return;
  }
  ++first_;
  while (first_ < end_ && at(first_).answered) {
    wire::Buffer& text = at(first_).text;
    out.append(text.view());
    waiting_bytes_ -= text.size();
    text = wire::Buffer{};
    ++first_;
  }
}

void ReplyQueue::give_back() {
  if (size() == 0 && ring_.size() > kPlacesKept) ring_ = std::vector<Place>{};
}

void ReplyQueue::grow() {
  std::vector<Place> larger(ring_.empty() ? 4 : ring_.size() * 2);
  for (auto place = first_; place < end_; ++place) {
    larger[place & (larger.size() - 1)] = std::move(at(place));
  }
  ring_ = std::move(larger);
}

}  // namespace kvmesh::tcp
