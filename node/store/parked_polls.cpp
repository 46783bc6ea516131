#include "node/store/parked_polls.h"

#include <algorithm>
#include <iterator>
#include <set>
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
  ends_.emplace(ends, ticket.value, bucket);
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

void ParkedPolls::Budget::take(const Events& events) {
  std::size_t size = 0;
  for (const auto& event : events.events) size += event.key.size() + event.value.size();
  --polls;
  bytes -= std::min(bytes, size);
}

bool ParkedPolls::pass(TimePoint now, LogRoom* room) {
  const Turn turn{engine_.moment(now), room};
  std::vector<News> news;
  {
    const std::lock_guard lock(mutex_);
    news.swap(news_);
  }
  Budget budget;
  std::vector<News> left;
  for (auto& one : news) {
    bool all = !budget.is_over();
    if (all) {
      end_some(one.bucket, [&](Poll& poll) {
        if (budget.is_over()) return all = false;
        return tell(one.bucket, one.last.get(), poll, turn, budget);
      });
    }
    if (!all) left.push_back(std::move(one));
  }
  if (left.empty()) return false;
  const std::lock_guard lock(mutex_);
  news_.insert(news_.begin(), std::make_move_iterator(left.begin()),
               std::make_move_iterator(left.end()));
  return true;
}

bool ParkedPolls::tell(const std::string& bucket, const EventRing* last, Poll& poll,
                       const Turn& turn, Budget& budget) {
  // It may have come since then, to a bucket of the same name.
  if (last != nullptr && poll.wanted.since > last->last()) last = nullptr;
  if (turn.room != nullptr) {
    (void)turn.room->take_seen();
    turn.room->saw(std::max(poll.seen, last == nullptr ? 0 : last->place()));
  }
  auto events = last == nullptr ? engine_.events(bucket, poll.view(), this, turn)
                                : last->read(poll.view(), last->last());
  if (!events) {
    --budget.polls;
    owner_.ended_later(poll.ticket, {.status = events.status()});
    return true;
  }
  poll.wanted.since = events->next;
  if (events->events.empty() && !events->reset) {
    if (turn.room != nullptr) poll.seen = turn.room->take_seen();
    return false;
  }
  budget.take(*events);
  events->now = turn.now;
  const Found found{*std::move(events)};
  owner_.ended_later(poll.ticket, {.found = &found});
  return true;
}

void ParkedPolls::tick(TimePoint now, LogRoom* room) {
  std::set<std::string> due;
  for (const auto& [ends, ticket, bucket] : ends_) {
    if (ends > now) break;
    due.insert(bucket);
  }
  for (const auto& bucket : due) {
    end_some(bucket, [&](const Poll& poll) {
      if (poll.ends > now) return false;
      if (room != nullptr) {
        (void)room->take_seen();
        room->saw(poll.seen);
      }
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
  const auto ended = std::erase_if(polls->second, [&](Poll& poll) {
    if (!has_ended(poll)) return false;
    ends_.erase({poll.ends, poll.ticket.value, bucket});
    return true;
  });
  engine_.unpark(ended);
  if (!polls->second.empty()) return;
  polls_.erase(polls);
  engine_.unfollow(bucket, *this);
}

}  // namespace kvmesh::store
