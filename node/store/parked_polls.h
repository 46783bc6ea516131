#pragma once

#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/deadline.h"
#include "node/store/change_log.h"
#include "node/store/engine.h"
#include "node/store/event_ring.h"

namespace kvmesh::store {

class MemoryEngine;

// The calls of one session that wait until a bucket changes. Nothing else is kept for who follows a
// bucket: he asks again, with the revision up to which he has been told.
// Of the session's thread, but for on_news().
class ParkedPolls final : public Follower {
 public:
  ParkedPolls(MemoryEngine& engine, SessionOwner& owner, std::function<void()> wake)
      : engine_(engine), owner_(owner), wake_(std::move(wake)) {}
  ParkedPolls(const ParkedPolls&) = delete;
  ParkedPolls& operator=(const ParkedPolls&) = delete;
  ~ParkedPolls() override;

  // This was told by the engine that there is nothing yet, and follows the bucket. The poll ends
  // with nothing at `ends`.
  void add(SessionOwner::Ticket ticket, std::string_view bucket, const EventsWanted& wanted,
           TimePoint ends);
  // The same was told, but it does not wait.
  void give_up(std::string_view bucket);
  // Tells the owner of those that have news, for about a millisecond; true: there are more. `room`:
  // as that of a Turn.
  bool pass(TimePoint now, LogRoom* room);
  // Tells it of those whose time is over.
  void tick(TimePoint now, LogRoom* room);

  void on_news(std::string_view bucket, std::shared_ptr<const EventRing> last) override;

 private:
  struct Poll {
    SessionOwner::Ticket ticket;
    TimePoint ends;
    std::string prefix;
    EventsWanted wanted;  // without the prefix
    Place seen = 0;       // as LogRoom says: up to where `wanted.since` was moved

    EventsWanted view() const {
      auto out = wanted;
      out.prefix = prefix;
      return out;
    }
  };
  struct News {
    std::string bucket;
    std::shared_ptr<const EventRing> last;  // null: it is there still
  };

  // How much a pass may still tell.
  struct Budget {
    std::size_t polls = 1024;
    std::size_t bytes = std::size_t{4} << 20;
    bool is_over() const { return polls == 0 || bytes == 0; }
    void take(const Events& events);
  };

  // Whether the poll has ended.
  bool tell(const std::string& bucket, const EventRing* last, Poll& poll, const Turn& turn,
            Budget& budget);
  template <typename HasEnded>
  void end_some(const std::string& bucket, HasEnded has_ended);

  MemoryEngine& engine_;
  SessionOwner& owner_;
  std::function<void()> wake_;
  std::unordered_map<std::string, std::vector<Poll>> polls_;
  // When each of them ends, with its bucket.
  absl::btree_set<std::tuple<TimePoint, std::uint64_t, std::string>> ends_;
  std::mutex mutex_;
  std::vector<News> news_;  // guarded by mutex_
};

}  // namespace kvmesh::store
