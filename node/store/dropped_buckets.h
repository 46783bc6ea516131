#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "node/store/bucket.h"

namespace kvmesh::store {

// Large buckets that were dropped and whose records are not freed yet: that takes a second for some
// ten million, so it is done a slice at a time. Their memory counts until it is free.
// Thread-safe; nobody waits longer than for a slice.
class DroppedBuckets {
 public:
  explicit DroppedBuckets(MemoryBound& memory) : memory_(memory) {}

  // A small one is freed at once.
  void add(Bucket::Owner bucket);
  // The order of keys that a bucket had, or null.
  void add(KeyOrder::Owner order);
  // Frees for some half of a millisecond. False: there was nothing to free.
  bool free_some();

 private:
  bool next_records();
  bool free_order();

  MemoryBound& memory_;
  std::mutex mutex_;
  std::deque<Bucket::Owner> buckets_;
  std::deque<KeyOrder::Owner> orders_;
  std::vector<Record::Owner> records_;  // of the first bucket, of which it no longer knows
};

}  // namespace kvmesh::store
