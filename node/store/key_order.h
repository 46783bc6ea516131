#pragma once

#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "node/store/hashed_name.h"
#include "node/store/owning_set.h"
#include "node/store/record.h"
#include "node/store/scan_position.h"

namespace kvmesh::store {

// The records of a bucket in the order of their keys, for who reads them in that order. It is built
// in slices, while the bucket may change.
// Costs: O(log n) for each record; the bucket counts kBytes for each of its records.
// Guarded by the lock of its bucket.
class KeyOrder {
 public:
  using Owner = std::unique_ptr<KeyOrder>;
  // What a key takes: 8 bytes in a node of a B-tree that is full by two thirds.
  static constexpr std::uint64_t kBytes = 14;

  bool is_whole() const { return built_ == kScanEnd; }
  // Takes in some more of these records, for less than a millisecond or so. REQUIRES: !is_whole().
  void build_some(const OwningSet<Record::Owner>& records);

  // What happens to the bucket meanwhile, and afterwards.
  void added(const Record& record, std::uint64_t key_hash) {
    if (has_passed(key_hash)) keys_.insert(Slot{&record});
  }
  // `record` holds the same key as before, in another place. REQUIRES: the old one lives still.
  void moved(const Record& record, std::uint64_t key_hash) {
    if (has_passed(key_hash)) keys_.find(record.key())->record = &record;
  }
  // REQUIRES: the record lives still.
  void removed(const Record& record, std::uint64_t key_hash) {
    if (has_passed(key_hash)) keys_.erase(keys_.find(record.key()));
  }

  // Visits records in the order of their keys, from the first that is not less than `key`, or with
  // `beyond` that is greater, while `visit(record)` is true. REQUIRES: is_whole().
  template <typename Visit>
  void visit_from(std::string_view key, bool beyond, Visit visit) const {
    auto slot = beyond ? keys_.upper_bound(key) : keys_.lower_bound(key);
    while (slot != keys_.end() && visit(*slot->record)) ++slot;
  }

  // Frees a slice of its memory, after which it is of no other use; how much that was. 0: there is
  // nothing left. The records need not live any more.
  std::uint64_t free_some();
  // Of so many records, whose bytes are given back by free_some().
  void end(std::size_t records) { bytes_left_ = records * kBytes; }

 private:
  struct Slot {
    mutable const Record* record;  // may be exchanged for one of the same key
  };
  struct Less {
    using is_transparent = void;
    static std::string_view key(const Slot& slot) { return slot.record->key(); }
    static std::string_view key(std::string_view key) { return key; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return key(a) < key(b);
    }
  };

  // Whether the walk over the records has come by keys with this hash.
  bool has_passed(std::uint64_t key_hash) const { return position_of(key_hash) < built_; }

  absl::btree_set<Slot, Less> keys_;
  ScanPosition built_ = 0;
  std::uint64_t bytes_left_ = 0;
};

}  // namespace kvmesh::store
