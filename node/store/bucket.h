#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "node/store/memory_bound.h"
#include "node/store/owning_set.h"
#include "node/store/record.h"

namespace kvmesh::store {

// A key with its hash, which is computed before any lock is taken.
struct HashedName {
  explicit HashedName(std::string_view name_bytes) : name(name_bytes), hash(hash_of(name_bytes)) {}
  std::string_view name;
  std::size_t hash;
};

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
  // Frees the records, which takes a while when they are many: do it outside of any lock.
  ~Bucket();

  // What a bucket without keys takes, apart from its place in a table.
  static std::uint64_t bytes_empty(std::string_view name);

  const std::string& name() const { return name_; }
  std::size_t size() const { return records_.size(); }

  // Null when there is no such key. The record lives until the next change of this bucket.
  const Record* find(const HashedName& key) const;
  // Ask the processor to fetch what a find() of this key reads: its place in the table; then, as
  // the place tells, its record.
  void prefetch_place(std::string_view key) const { records_.prefetch_place(key); }
  void prefetch_record(const HashedName& key) const { records_.prefetch_thing(key.hash); }
  // kFull when the memory bound is in the way, and then nothing was changed. What was replaced, if
  // it is not reused, is left in `replaced`, so that the caller can free it outside of the lock.
  Status put(const HashedName& key, std::string_view value, Record::Owner& replaced);
  // Hands out the record of this key, to be freed outside of the lock; null when there is none.
  Record::Owner take(const HashedName& key);

  template <typename Visit>
  void for_each(Visit visit) const {
    records_.for_each(visit);
  }

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
