#include "node/store/event_ring.h"

#include <algorithm>
#include <utility>

namespace kvmesh::store {

EventRing::~EventRing() {
  memory_.release(bytes_ + kBytesEmpty);
  rings_->release(bytes_);
}

std::uint64_t EventRing::cost(const Event& event) {
  constexpr std::size_t kMallocBytes = 16;
  const auto of_text = [](const std::string& text) {
    return text.capacity() > std::string().capacity() ? text.capacity() + 1 + kMallocBytes : 0;
  };
  return sizeof(Event) + of_text(event.key) + of_text(event.value);
}

bool EventRing::reserve(std::uint64_t bytes) {
  if (!events_.empty() && bytes_ + bytes > bytes_max_) return false;
  if (!rings_->reserve(bytes).ok()) return false;
  if (memory_.reserve(bytes).ok()) return true;
  rings_->release(bytes);
  return false;
}

// All of its revision: they were made together, and are told together or not at all.
void EventRing::forget_oldest() {
  since_ = events_.front().rev;
  std::uint64_t freed = 0;
  while (!events_.empty() && events_.front().rev == since_) {
    freed += cost(events_.front());
    events_.pop_front();
  }
  bytes_ -= freed;
  memory_.release(freed);
  rings_->release(freed);
}

void EventRing::set_bounds(std::size_t bytes_max, MemoryBound& rings) {
  bytes_max_ = bytes_max;
  rings_->release(bytes_);
  rings_ = &rings;
  rings_->charge(bytes_);
  while (!events_.empty() && (bytes_ > bytes_max_ || rings_->held() > rings_->max())) {
    forget_oldest();
  }
}

void EventRing::add(Event event) {
  last_ = event.rev;
  if (event.rev == since_) return;  // others of its revision are forgotten already
  const auto bytes = cost(event);
  while (!reserve(bytes)) {
    if (events_.empty()) {
      since_ = event.rev;
      return;
    }
    forget_oldest();
    if (event.rev == since_) return;
  }
  bytes_ += bytes;
  events_.push_back(std::move(event));
}

Events EventRing::read(const EventsWanted& wanted, Revision last) const {
  Events out;
  out.next = last;
  if (wanted.since < since_ || wanted.since > last) {
    out.reset = true;
    return out;
  }
  std::size_t bytes = 0;
  auto group = std::ranges::upper_bound(events_, wanted.since, {}, &Event::rev);
  for (Revision told = wanted.since; group != events_.end();) {
    const auto rev = group->rev;
    const auto first = out.events.size();
    for (; group != events_.end() && group->rev == rev; ++group) {
      if (group->kind != Event::Kind::kDrop && !group->key.starts_with(wanted.prefix)) continue;
      bytes += group->key.size() + group->value.size();
      out.events.push_back(*group);
    }
    if (first > 0 && (out.events.size() > wanted.items_max || bytes > wanted.bytes_max)) {
      out.events.resize(first);
      out.next = told;
      break;
    }
    told = rev;
  }
  return out;
}

void EventRing::follow(Follower& follower) {
  const auto known = std::ranges::find(followers_, &follower, &Follows::who);
  if (known == followers_.end()) {
    followers_.push_back({&follower, false});
  } else {
    known->is_told = false;
  }
}

void EventRing::unfollow(Follower& follower) {
  std::erase_if(followers_, [&](const Follows& follows) { return follows.who == &follower; });
}

void EventRing::tell_followers(std::string_view bucket, const Owner& last) {
  for (auto& follower : followers_) {
    if (follower.is_told && last == nullptr) continue;
    follower.is_told = true;
    follower.who->on_news(bucket, last);
  }
  if (last) followers_.clear();
}

}  // namespace kvmesh::store
