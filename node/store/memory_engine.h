#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "node/store/bucket.h"
#include "node/store/engine.h"
#include "node/store/memory_bound.h"
#include "node/store/owning_set.h"

namespace kvmesh::store {

/// Buckets in memory; nothing outlives the process.
/// Costs: create, put, get, erase, count O(1), but a put that doubles its bucket's table takes time
/// in proportion to the bucket, once; drop frees the keys one by one, without holding up others; a
/// page of list_keys looks at every key of the bucket and one of list_buckets at every bucket;
/// usage does not depend on what is stored.
///
/// Memory: records with their keys and values, hash tables and names count, what malloc adds to
/// them included. It passes `bytes_max` by less than 300 bytes for each thread, whatever they do at
/// once.
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
  Result<Page> list_keys(std::string_view bucket, std::optional<std::string_view> after,
                         std::size_t items_max, std::size_t bytes_max) override;
  Result<Page> list_buckets(std::optional<std::string_view> after, std::size_t items_max,
                            std::size_t bytes_max) override;
  Usage usage() const override;

 private:
  static constexpr unsigned kStripeBits = 6;
  // Lines of its own for each lock, and the adjacent one that processors fetch with it.
  struct alignas(128) Stripe {
    mutable std::mutex mutex;
    OwningSet<Bucket::Owner> buckets;
    std::uint64_t keys = 0;
  };

  std::unique_lock<std::mutex> guard(const Stripe& stripe) const;
  Stripe& stripe_of(const HashedName& bucket);
  template <typename Answer, typename Act>
  Answer with_bucket(std::string_view name, Act act);
  template <typename Act>
  void peek_bucket(std::string_view name, Act act);

  bool locks_;
  MemoryBound memory_;  // outlives the buckets, which give back to it
  std::array<Stripe, std::size_t{1} << kStripeBits> stripes_;
};

}  // namespace kvmesh::store
