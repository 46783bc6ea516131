#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "node/store/hashed_name.h"
#include "node/store/memory_bound.h"
#include "node/store/owning_set.h"
#include "node/store/record.h"

namespace kvmesh::store {

// The records of one bucket.
// Invariant: it has taken record_bytes_ and records_.bytes() from the MemoryBound; its maker counts
// bytes_empty().
// Guarded by the lock of the stripe that it is in; a bucket that was taken out of its stripe
// belongs to its taker alone.
class Bucket {
 public:
  using Owner = std::unique_ptr<Bucket>;

  Bucket(std::string_view name, MemoryBound& memory) : name_(name), memory_(memory) {}
  Bucket(const Bucket&) = delete;
  Bucket& operator=(const Bucket&) = delete;
  // Frees the records, which takes a while when they are many: DroppedBuckets takes its time.
  ~Bucket();

  // What a bucket without keys takes, apart from its place in a table.
  static std::uint64_t bytes_empty(std::string_view name);

  const std::string& name() const { return name_; }
  std::size_t size() const { return records_.size(); }
  std::uint64_t record_bytes() const { return record_bytes_; }

  // Null when there is no such key. The record lives until the next change of this bucket.
  const Record* find(const HashedName& key) const;
  // Ask the processor to fetch what a find() of this key reads: its place in the table; then, as
  // the place tells, its record.
  void prefetch_place(const HashedName& key) const { records_.prefetch_place(key); }
  void prefetch_record(const HashedName& key) const { records_.prefetch_thing(key.hash); }
  // kFull when the memory bound is in the way, and then nothing was changed. What was replaced, if
  // it is not reused, is left in `replaced`, so that the caller can free it outside of the lock.
  Status put(const HashedName& key, std::string_view value, Record::Owner& replaced);
  // Hands out the record of this key, to be freed outside of the lock; null when there is none.
  Record::Owner take(const HashedName& key);

  // As OwningSet::visit_from().
  template <typename Visit>
  ScanPosition visit_from(ScanPosition position, Visit visit) const {
    return records_.visit_from(position, visit);
  }
  // Hands out some thousand records. False: the bucket has no more. From the first call on the
  // caller releases the memory of records, also of those to come; and nothing else may be called.
  bool drain_some(std::vector<Record::Owner>& records);

 private:
  Status replace(Record::Owner& record, const HashedName& key, std::string_view value,
                 Record::Owner& replaced);

  std::string name_;
  MemoryBound& memory_;
  OwningSet<Record::Owner> records_;
  std::uint64_t record_bytes_ = 0;
};

inline std::string_view name_of(const Bucket& bucket) { return bucket.name(); }

}  // namespace kvmesh::store
