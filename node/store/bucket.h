#pragma once

#include <absl/container/btree_set.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "node/store/bucket_options.h"
#include "node/store/change.h"
#include "node/store/change_log.h"
#include "node/store/entry.h"
#include "node/store/event_ring.h"
#include "node/store/hashed_name.h"
#include "node/store/key_order.h"
#include "node/store/memory_bound.h"
#include "node/store/once_ids.h"
#include "node/store/owning_set.h"
#include "node/store/record.h"

namespace kvmesh::store {

// Which keys a scan wants: those that begin with `prefix`, after `after` if that is given, with
// their values or without; up to so many, and up to so many bytes of keys and values, but at least
// one.
struct ScanWanted {
  std::string_view prefix;
  std::optional<std::string_view> after;
  bool values = false;
  std::size_t items_max = 0;
  std::size_t bytes_max = 0;
};

// The records of one bucket.
// A key that has expired is removed by the first change that comes across it, as a change of its
// own, or by do_due().
// Invariant: it has taken record_bytes_, records_.bytes(), the bytes of its expiries and of its
// extras from the MemoryBound; its maker counts bytes_empty(). A record that expires has one entry
// among the expiries, and they have no other.
// Guarded by the lock of the stripe that it is in; a bucket that was taken out of its stripe
// belongs to its taker alone.
class Bucket {
 public:
  using Owner = std::unique_ptr<Bucket>;
  // What is no longer in the bucket, to be freed outside of the lock.
  struct Removed {
    std::vector<Record::Owner> records;
    KeyOrder::Owner order;
  };

  // `rev`: its changes come after it. `id`: its number in the log, if there is one.
  Bucket(std::string_view name, Revision rev, MemoryBound& memory, journal::BucketId id = 0)
      : name_(name), memory_(memory), rev_(rev), id_(id) {}
  Bucket(const Bucket&) = delete;
  Bucket& operator=(const Bucket&) = delete;
  // Frees the records, which takes a while when they are many: DroppedBuckets takes its time.
  ~Bucket();

  // What a bucket without keys takes, apart from its place in a table.
  static std::uint64_t bytes_empty(std::string_view name);

  const std::string& name() const { return name_; }
  std::size_t size() const { return records_.size(); }
  // Keys that have a time to live.
  std::size_t expiring() const { return expiries_ ? expiries_->size() : 0; }
  std::uint64_t record_bytes() const { return record_bytes_; }
  // Of its last change.
  Revision rev() const { return rev_; }
  // Where that was written down.
  Place place() const { return place_; }
  journal::BucketId id() const { return id_; }
  // Notes that an operation has seen what is there under the key, if something is written down.
  void saw_key(const HashedName& key, const Turn& turn) const {
    if (turn.room != nullptr) turn.room->saw_key(place_hash(key), place_);
  }

  // Null when there is no such key. The record lives until the next change of this bucket.
  const Record* find(const HashedName& key, Moment now) const;
  // Ask the processor to fetch what a find() of this key reads: its place in the table; then, as
  // the place tells, its record.
  void prefetch_place(const HashedName& key) const { records_.prefetch_place(key); }
  void prefetch_record(const HashedName& key) const { records_.prefetch_thing(key.hash); }
  // kFull when the memory bound is in the way, or what the log says of its room, and then nothing
  // was changed; so it is with all that changes something. What was replaced, if
  // it is not reused, is left in `replaced`, so that the caller can free it outside of the lock.
  Status put(const HashedName& key, std::string_view value, const Turn& turn,
             Record::Owner& replaced);
  // Hands out the record of this key, to be freed outside of the lock; null when there is none.
  Result<Record::Owner> take(const HashedName& key, const Turn& turn);
  // As Op::Kind::kApply says.
  Result<Applied> apply(const Changes& changes, const Turn& turn, Removed& removed);

  // True: the page is complete. False: the keys are not in their order yet, but some more are than
  // before, and it is to be asked again. kFull: there is no memory for that.
  Result<bool> scan(const ScanWanted& wanted, Moment now, ScanPage& page);
  // What has changed since, or a reset. When nothing has, the follower, if there is one, is told of
  // the next change, until it unfollows. Changes are remembered from the first call on, until
  // nobody has called for a minute. `rings` bounds what is remembered and must outlive the bucket.
  // kFull: there is no memory to begin with.
  Result<Events> events(const EventsWanted& wanted, Moment now, RingBounds& rings,
                        Follower* follower);
  void unfollow(Follower& follower);
  const BucketOptions& options() const;
  // kFull: there is no memory for what they ask for, and all is as it was.
  Status set_options(const BucketOptions& change, const Turn& turn, RingBounds& rings);
  // It is taken out of its stripe: that is its last change, and those who follow it are told.
  // REQUIRES: room for it is reserved.
  void on_drop(const Turn& turn);

  // When do_due() has something to do next; kNever: it has not.
  Moment next_due() const;
  // Removes keys that have expired, at most so many; gives how many it removed. Then what nobody
  // has used for long, if there are no more.
  std::size_t do_due(const Turn& turn, std::size_t most, Removed& removed);

  // At the start of a node: what was there.
  Status restore(const HashedName& key, std::string_view value, Life life);
  void restore_answer(std::string_view once, const Applied& answer, Moment at);
  void restore_options(const BucketOptions& options);
  // All of it is there; its changes come after `rev`.
  void restored(Revision rev, RingBounds& rings);

  // As OwningSet::visit_from(); keys that have expired are passed over.
  template <typename Visit>
  ScanPosition visit_from(ScanPosition position, Moment now, Visit visit) const {
    return records_.visit_from(position, [&](const Record& record) {
      if (!record.has_expired(now)) visit(record);
    });
  }
  // Hands out some thousand records. False: the bucket has no more. From the first call on the
  // caller releases the memory of records, also of those to come; and nothing else may be called.
  // REQUIRES: take_order() was called.
  bool drain_some(std::vector<Record::Owner>& records);
  // Hands out the order of its keys, if it has one: to be freed in slices, and its memory released.
  KeyOrder::Owner take_order();

 private:
  // Of the key among those of all buckets: many buckets have keys of the same names.
  std::uint64_t place_hash(const HashedName& key) const {
    return key.hash + id_ * 0x9e3779b97f4a7c15;
  }
  // Several keys may expire in one moment.
  struct Expiry {
    Moment at;
    std::uint64_t key_hash;
    friend bool operator<(const Expiry& a, const Expiry& b) {
      return a.at != b.at ? a.at < b.at : a.key_hash < b.key_hash;
    }
  };
  using Expiries = absl::btree_multiset<Expiry>;
  class Transaction;
  // What few buckets have.
  static constexpr std::uint64_t kExtrasBytes = 1024;  // Extras, and what its deque takes
  struct Extras {
    BucketOptions options;
    OnceIds once;
    KeyOrder::Owner order;  // null: no scan was made of late
    Moment order_used = 0;
    EventRing::Owner ring;  // null: nobody has followed it of late
    Moment ring_used = 0;
    Moment look_at = kNever;  // something may be too old then
  };

  template <typename Visit>
  void fill(const ScanWanted& wanted, Moment now, ScanPage& page, Visit visit) const;
  Record::Owner* find_live(const HashedName& key, const Turn& turn, Removed& removed);
  Status insert(const HashedName& key, std::string_view value, Life life);
  void replace(Record::Owner& record, const HashedName& key, std::string_view value, Life life,
               Record::Owner& replaced);
  Record::Owner expire(const HashedName& key, const Turn& turn);
  Record::Owner remove(const HashedName& key);
  void add_expiry(Moment at, std::uint64_t key_hash);
  void remove_expiry(Moment at, std::uint64_t key_hash);

  // Has extras_ be there, or kFull.
  Status make_extras(Moment now);
  // The same whatever the bound.
  void charge_extras();
  Status make_ring(const BucketOptions& options, RingBounds& rings);
  // When a key expires that is put now without a time to live.
  Moment default_expiry(Moment now) const {
    return extras_ && extras_->options.ttl_ms ? now + *extras_->options.ttl_ms : kNever;
  }
  std::uint64_t extras_bytes() const;
  KeyOrder* order() const { return extras_ ? extras_->order.get() : nullptr; }
  EventRing* ring() const { return extras_ ? extras_->ring.get() : nullptr; }
  // Tells those who follow the bucket of its last change; what was put is in the record.
  void tell_put(const Record& record);
  void tell(Event::Kind kind, std::string_view key, Moment expires = kNever);
  const Applied* answer_to(std::string_view once, Moment now) const;
  void remember(std::string_view once, const Applied& answer, const Turn& turn);
  void forget_old_ids(const Turn& turn);
  // Writes down changes of one key, or of several.
  void write_put(const HashedName& key, std::string_view value, Life life, const Turn& turn);
  void write_erase(const HashedName& key, const Turn& turn);
  void write(std::span<const journal::Change> changes, const Turn& turn);
  void look_at(Moment at);
  void forget_old(const Turn& turn, Removed& removed);

  std::string name_;
  MemoryBound& memory_;
  OwningSet<Record::Owner> records_;
  std::uint64_t record_bytes_ = 0;
  Revision rev_;
  journal::BucketId id_;
  Place place_ = 0;
  std::unique_ptr<Expiries> expiries_;  // null: nothing expires
  std::unique_ptr<Extras> extras_;      // null: it has none
};

inline std::string_view name_of(const Bucket& bucket) { return bucket.name(); }

}  // namespace kvmesh::store
