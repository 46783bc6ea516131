#pragma once

#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "node/store/change.h"
#include "node/store/hashed_name.h"
#include "node/store/memory_bound.h"
#include "node/store/owning_set.h"
#include "node/store/record.h"

namespace kvmesh::store {

// The records of one bucket.
// A key that has expired is removed by the first call that comes across it, as a change of its own,
// or by expire_some().
// Invariant: it has taken record_bytes_, records_.bytes() and the bytes of its expiries from the
// MemoryBound; its maker counts bytes_empty(). A record that expires has one entry among the
// expiries, and they have no other.
// Guarded by the lock of the stripe that it is in; a bucket that was taken out of its stripe
// belongs to its taker alone.
class Bucket {
 public:
  using Owner = std::unique_ptr<Bucket>;
  // Records that are no longer in the bucket, to be freed outside of the lock.
  using Removed = std::vector<Record::Owner>;

  // `rev`: its changes come after it.
  Bucket(std::string_view name, Revision rev, MemoryBound& memory)
      : name_(name), memory_(memory), rev_(rev) {}
  Bucket(const Bucket&) = delete;
  Bucket& operator=(const Bucket&) = delete;
  // Frees the records, which takes a while when they are many: DroppedBuckets takes its time.
  ~Bucket();

  // What a bucket without keys takes, apart from its place in a table.
  static std::uint64_t bytes_empty(std::string_view name);

  const std::string& name() const { return name_; }
  std::size_t size() const { return records_.size(); }
  std::uint64_t record_bytes() const { return record_bytes_; }
  // Of its last change.
  Revision rev() const { return rev_; }

  // Null when there is no such key. The record lives until the next change of this bucket.
  const Record* find(const HashedName& key, Moment now) const;
  // Ask the processor to fetch what a find() of this key reads: its place in the table; then, as
  // the place tells, its record.
  void prefetch_place(const HashedName& key) const { records_.prefetch_place(key); }
  void prefetch_record(const HashedName& key) const { records_.prefetch_thing(key.hash); }
  // kFull when the memory bound is in the way, and then nothing was changed. What was replaced, if
  // it is not reused, is left in `replaced`, so that the caller can free it outside of the lock.
  Status put(const HashedName& key, std::string_view value, Moment now, Record::Owner& replaced);
  // Hands out the record of this key, to be freed outside of the lock; null when there is none.
  Record::Owner take(const HashedName& key, Moment now);
  // As Op::Kind::kApply says.
  Result<Applied> apply(std::span<const Check> checks, std::span<const Change> changes, Moment now,
                        Removed& removed);

  // When the next key expires; kNever: none does.
  Moment next_expiry() const { return expiries_ ? expiries_->begin()->at : kNever; }
  // Removes keys that have expired, at most so many. Gives how many it removed.
  std::size_t expire_some(Moment now, std::size_t most, Removed& removed);

  // As OwningSet::visit_from(); keys that have expired are passed over.
  template <typename Visit>
  ScanPosition visit_from(ScanPosition position, Moment now, Visit visit) const {
    return records_.visit_from(position, [&](const Record& record) {
      if (!record.has_expired(now)) visit(record);
    });
  }
  // Hands out some thousand records. False: the bucket has no more. From the first call on the
  // caller releases the memory of records, also of those to come; and nothing else may be called.
  bool drain_some(Removed& records);

 private:
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

  Record::Owner* find_live(const HashedName& key, Moment now, Removed& removed);
  Status insert(const HashedName& key, std::string_view value, Life life);
  void replace(Record::Owner& record, const HashedName& key, std::string_view value, Life life,
               Record::Owner& replaced);
  Record::Owner expire(const HashedName& key, Moment now);
  Record::Owner remove(const HashedName& key);
  void add_expiry(Moment at, std::uint64_t key_hash);
  void remove_expiry(Moment at, std::uint64_t key_hash);

  std::string name_;
  MemoryBound& memory_;
  OwningSet<Record::Owner> records_;
  std::uint64_t record_bytes_ = 0;
  Revision rev_;
  std::unique_ptr<Expiries> expiries_;  // null: nothing expires
};

inline std::string_view name_of(const Bucket& bucket) { return bucket.name(); }

}  // namespace kvmesh::store
