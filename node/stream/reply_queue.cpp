#include "node/stream/reply_queue.h"

#include <utility>

namespace kvmesh::stream {

std::uint64_t ReplyQueue::push(Tag tag) {
  if (size() == ring_.size()) grow();
  Place& place = at(end_);
  place.tag = tag;
  place.state = State::kWaiting;
  return end_++;
}

void ReplyQueue::push_constant(Tag tag, wire::Buffer& out) {
  const auto text = codec_.constant(tag);
  if (size() == 0) {
    first_ = ++end_;
    return out.append(text);
  }
  at(push(tag)).state = State::kConstant;
  waiting_bytes_ += text.size();
}

bool ReplyQueue::is_waiting(std::uint64_t place) const {
  return place >= first_ && place < end_ && at(place).state == State::kWaiting;
}

wire::Buffer& ReplyQueue::text_buffer(std::uint64_t place, wire::Buffer& out) {
  return place == first_ ? out : text_;
}

void ReplyQueue::answered(std::uint64_t place, wire::Buffer& out) {
  if (place != first_) return keep_text(at(place));
  ++first_;
  move_ready(out);
}

// With no more memory than it needs: there may be a thousand of them.
void ReplyQueue::keep_text(Place& place) {
  place.state = State::kText;
  place.size = static_cast<std::uint32_t>(text_.size());
  char* bytes = text_.release();
  char* fitting = place.size == 0 ? nullptr : static_cast<char*>(std::realloc(bytes, place.size));
  place.text.reset(fitting != nullptr || place.size == 0 ? fitting : bytes);
  if (place.size == 0) std::free(bytes);  // NOLINT: a Buffer's memory
  waiting_bytes_ += place.size;
  overhead_bytes_ += kTextOverhead;
}

void ReplyQueue::move_ready(wire::Buffer& out) {
  for (; first_ < end_ && at(first_).state != State::kWaiting; ++first_) {
    Place& place = at(first_);
    if (place.state == State::kConstant) {
      const auto text = codec_.constant(place.tag);
      waiting_bytes_ -= text.size();
      out.append(text);
      continue;
    }
    waiting_bytes_ -= place.size;
    overhead_bytes_ -= kTextOverhead;
    out.append({place.text.get(), place.size});
    place.text.reset();
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

}  // namespace kvmesh::stream
