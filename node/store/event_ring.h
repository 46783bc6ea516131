#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "node/store/event.h"
#include "node/store/key_places.h"
#include "node/store/memory_bound.h"

namespace kvmesh::store {

class EventRing;

// Who waits for the next change of a bucket.
class Follower {
 public:
  Follower() = default;
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  virtual ~Follower() = default;

  // The bucket has changed, or, when there is a ring, was dropped: that is its last one, and
  // changes no more. Called once for each time that it asked to be told, on any thread and under
  // the bucket's lock: it must be short and not call the engine.
  virtual void on_news(std::string_view bucket, std::shared_ptr<const EventRing> last) = 0;
};

// Which changes are wanted: of keys that begin with `prefix`, those after `since`: up to so many,
// and up to so many bytes of keys and values, but at least those of one revision.
struct EventsWanted {
  std::string_view prefix;
  Revision since = 0;
  std::size_t items_max = 0;
  std::size_t bytes_max = 0;
};

// What all changes may take that are remembered: those of buckets with a history by themselves, so
// that they leave followers of others what they need.
struct RingBounds {
  MemoryBound followed{limits::kEventRingsBytesMax};
  MemoryBound histories{limits::kEventRingsBytesMax};
};

// The last changes of a bucket that somebody follows, up to a bound; what it forgot, it knows that
// it forgot.
// Invariant: it has taken bytes_ from both bounds. All changes after since_ are in it.
// Guarded by the lock of its bucket; of no lock when that was dropped.
class EventRing {
 public:
  using Owner = std::shared_ptr<EventRing>;
  static constexpr std::size_t kBytesDefault = std::size_t{1} << 20;
  // Without anybody who asks it is forgotten after so long.
  static constexpr Moment kKeptMs = 60'000;

  // Itself, and what a deque takes.
  static constexpr std::uint64_t kBytesEmpty = 1024;

  // `memory` is the engine's, of which kBytesEmpty are reserved for it, `rings` that of all rings
  // of its kind; both must outlive it.
  EventRing(Revision since, std::size_t bytes_max, MemoryBound& memory, MemoryBound& rings)
      : memory_(memory), rings_(&rings), bytes_max_(bytes_max), since_(since), last_(since) {}
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;
  ~EventRing();

  // It is one of these from now on, and remembers as much as fits.
  void set_bounds(std::size_t bytes_max, MemoryBound& rings);
  // Of the last one that was added.
  Revision last() const { return last_; }

  // Where the end of the bucket was written down; 0: it is there, or nothing is.
  Place place() const { return place_; }
  void end_at(Place place) { place_ = place; }

  // A change of the bucket. REQUIRES: its revision is not less than the last one's.
  void add(Event event);
  // What is wanted, or a reset. `last`: the revision of the bucket.
  Events read(const EventsWanted& wanted, Revision last) const;

  // It is told of the next change, once until it asks again, and of the bucket's end. It must not
  // end before it unfollows.
  void follow(Follower& follower);
  void unfollow(Follower& follower);
  bool has_followers() const { return !followers_.empty(); }
  void tell_followers(std::string_view bucket, const Owner& last);

 private:
  static std::uint64_t cost(const Event& event);
  bool reserve(std::uint64_t bytes);
  void forget_oldest();

  MemoryBound& memory_;
  MemoryBound* rings_;
  std::size_t bytes_max_;
  std::deque<Event> events_;
  std::uint64_t bytes_ = 0;
  Revision since_;
  Revision last_;  // of all that were added
  Place place_ = 0;
  struct Follows {
    Follower* who;
    bool is_told;
  };
  std::vector<Follows> followers_;
};

}  // namespace kvmesh::store
