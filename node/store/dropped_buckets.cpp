#include "node/store/dropped_buckets.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "node/store/freed_pieces.h"

namespace kvmesh::store {
namespace {

// So many records of up to a page are freed in a slice, and of larger ones fewer: the kernel takes
// back page by page.
constexpr std::uint64_t kSlice = 512;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::size_t kAhead = 16;  // fetched while others are freed
constexpr std::uint64_t kSmallKeys = 1024;
constexpr std::uint64_t kSmallBytes = kSmallKeys * kPageBytes;

}  // namespace

void DroppedBuckets::add(Bucket::Owner bucket) {
  if (bucket->size() <= kSmallKeys && bucket->record_bytes() <= kSmallBytes) return;
  const std::lock_guard lock(mutex_);
  buckets_.push_back(std::move(bucket));
}

void DroppedBuckets::add(KeyOrder::Owner order) {
  if (!order) return;
  const std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
}

bool DroppedBuckets::free_some() {
  const std::lock_guard lock(mutex_);
  if (buckets_.empty() && records_.empty()) return free_order();
  std::uint64_t freed = 0;
  for (std::uint64_t work = 0; work < kSlice && (!records_.empty() || next_records());) {
    if (records_.size() > kAhead) __builtin_prefetch(records_[records_.size() - 1 - kAhead].get());
    const auto bytes = records_.back()->cost();
    records_.pop_back();
    freed += bytes;
    work += 1 + bytes / kPageBytes;
  }
  sort_freed_pieces();
  memory_.release(freed);
  return true;
}

bool DroppedBuckets::free_order() {
  if (orders_.empty()) return false;
  const auto freed = orders_.front()->free_some();
  memory_.release(freed);
  if (freed == 0) orders_.pop_front();
  return true;
}

// Takes the records of the next table. False: there are none left in any bucket.
bool DroppedBuckets::next_records() {
  while (records_.empty() && !buckets_.empty()) {
    if (!buckets_.front()->drain_some(records_)) buckets_.pop_front();
  }
  return !records_.empty();
}

}  // namespace kvmesh::store
