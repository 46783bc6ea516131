#include "node/store/parked_polls.h"

#include <cstdint>
#include <utility>

#include "node/store/memory_engine.h"

namespace kvmesh::store {

ParkedPolls::~ParkedPolls() {
  for (const auto& [bucket, polls] : polls_) {
    engine_.unfollow(bucket, *this);
    engine_.unpark(polls.size());
  }
}

void ParkedPolls::add(SessionOwner::Ticket ticket, std::string_view bucket,
                      const EventsWanted& wanted, TimePoint ends) {
  polls_[std::string{bucket}].push_back({ticket, ends, std::string{wanted.prefix}, wanted});
  ends_.emplace(ends, bucket);
}

void ParkedPolls::give_up(std::string_view bucket) {
  if (!polls_.contains(std::string{bucket})) engine_.unfollow(bucket, *this);
}

void ParkedPolls::on_news(std::string_view bucket, std::shared_ptr<const EventRing> last) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = news_.empty();
    // What the bucket told before is in its last ring; another of its name would not know it.
    if (last) std::erase_if(news_, [&](const News& earlier) { return earlier.bucket == bucket; });
    news_.push_back({std::string{bucket}, std::move(last)});
  }
  if (first) wake_();
}

void ParkedPolls::pass(TimePoint now, LogRoom* room) {
  const Turn turn{engine_.moment(now), room};
  std::vector<News> news;
  {
    const std::lock_guard lock(mutex_);
    news.swap(news_);
  }
  for (const auto& one : news) {
    end_some(one.bucket, [&](Poll& poll) { return tell(one.bucket, one.last.get(), poll, turn); });
  }
}

bool ParkedPolls::tell(const std::string& bucket, const EventRing* last, Poll& poll,
                       const Turn& turn) {
  if (last != nullptr && turn.room != nullptr) turn.room->saw(last->place());
  auto events = last == nullptr ? engine_.events(bucket, poll.view(), this, turn)
                                : last->read(poll.view(), last->last());
  if (!events) {
    owner_.ended_later(poll.ticket, {.status = events.status()});
    return true;
  }
  poll.wanted.since = events->next;
  if (events->events.empty() && !events->reset) return false;
  events->now = turn.now;
  const Found found{*std::move(events)};
  owner_.ended_later(poll.ticket, {.found = &found});
  return true;
}

void ParkedPolls::tick(TimePoint now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const auto bucket = ends_.begin()->second;
    ends_.erase(ends_.begin());
    end_some(bucket, [&](const Poll& poll) {
      if (poll.ends > now) return false;
      Events none;
      none.next = poll.wanted.since;
      const Found found{std::move(none)};
      owner_.ended_later(poll.ticket, {.found = &found});
      return true;
    });
  }
}

template <typename HasEnded>
void ParkedPolls::end_some(const std::string& bucket, HasEnded has_ended) {
  const auto polls = polls_.find(bucket);
  if (polls == polls_.end()) return;
  const auto ended = std::erase_if(polls->second, has_ended);
  engine_.unpark(ended);
  if (!polls->second.empty()) return;
  polls_.erase(polls);
  engine_.unfollow(bucket, *this);
}

}  // namespace kvmesh::store
