#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "node/store/bucket.h"
#include "node/store/dropped_buckets.h"
#include "node/store/engine.h"
#include "node/store/memory_bound.h"
#include "node/store/owning_set.h"

namespace kvmesh::store {

/// Buckets in memory; nothing outlives the process.
/// Costs: no call holds its thread for more than some milliseconds, however much is stored. create,
/// put, get, erase, count and drop are O(1); every few thousand puts or erases one moves some
/// thousand pointers (OwningSet). The records of a large bucket that was dropped are freed by
/// tidy(), or by a put that would be refused else, a slice at a time. A page of keys looks at every
/// key of the bucket and one of buckets at every bucket, a slice at a time. usage does not depend
/// on what is stored.
///
/// Memory: records with their keys and values, hash tables and names count, what malloc adds to
/// them included, and so do dropped buckets until they are freed. It passes `bytes_max` by less
/// than 300 bytes for each thread, whatever they do at once, and while a table is made anew by
/// that table, 72 KiB.
///
/// Thread-safe, unless made for one thread: buckets are spread over stripes by a hash of their
/// name, each with a lock of its own, and no thread ever holds two of them.
class MemoryEngine final : public Engine {
 public:
  /// Of one thread only, it takes no locks: they are a tenth of what an operation costs.
  enum class Use : std::uint8_t { kThreads, kOneThread };
  explicit MemoryEngine(std::uint64_t bytes_max, Use use = Use::kThreads);

  Status create(std::string_view bucket) override;
  Status drop(std::string_view bucket) override;
  Status put(std::string_view bucket, std::string_view key, ValueView value) override;
  Result<bool> get(std::string_view bucket, std::string_view key, ValueVisitor found) override;
  void prefetch_place(std::string_view bucket, std::string_view key) override;
  void prefetch_record(std::string_view bucket, std::string_view key) override;
  Status erase(std::string_view bucket, std::string_view key) override;
  Result<std::uint64_t> count(std::string_view bucket) override;
  Result<bool> scan_keys(std::string_view bucket, Listing& page) override;
  bool scan_buckets(Listing& page) override;
  void tidy() override { dropped_.free_some(); }
  Usage usage() const override;

 private:
  static constexpr unsigned kStripeBits = 6;
  static constexpr std::size_t kStripes = std::size_t{1} << kStripeBits;
  // Lines of its own for each lock, and the adjacent one that processors fetch with it.
  struct alignas(128) Stripe {
    mutable std::mutex mutex;
    OwningSet<Bucket::Owner> buckets;
    std::uint64_t keys = 0;
  };

  std::unique_lock<std::mutex> guard(const Stripe& stripe) const;
  Stripe& stripe_of(const HashedName& bucket);
  template <typename Put>
  Status put_or_free(Put put);
  template <typename Answer, typename Act>
  Answer with_bucket(std::string_view name, Act act);
  template <typename Act>
  void peek_bucket(std::string_view name, Act act);

  bool locks_;
  MemoryBound memory_;  // outlives the buckets, which give back to it
  DroppedBuckets dropped_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace kvmesh::store
