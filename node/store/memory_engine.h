#pragma once

#include <absl/container/btree_set.h>
#include <absl/functional/function_ref.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>
#include <kvmesh/status.h>

#include "node/store/bucket.h"
#include "node/store/change_log.h"
#include "node/store/dropped_buckets.h"
#include "node/store/engine.h"
#include "node/store/hashed_name.h"
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
  /// With a log, operations write down what they change: those whose turn has a room. It must
  /// outlive this.
  explicit MemoryEngine(std::uint64_t bytes_max, Use use = Use::kThreads, EngineClock clock = {},
                        ChangeLog* log = nullptr);

  /// Whether it is made for several threads.
  bool is_shared() const { return locks_; }
  std::unique_ptr<Session> open(SessionOwner& owner, std::function<void()> wake) override;
  Usage usage() const override;
  BucketCounts buckets_by_byte() const override;
  BucketCounts buckets_by_hash(std::uint8_t byte) const override;

  Moment moment(TimePoint now) const { return clock_.at(now); }

  // The operations as calls. Each answers what its Op ends with. A time alone is a turn, too.

  Status create(const HashedName& bucket, const Turn& turn = {}, const BucketOptions& options = {});
  /// Changes what is said, and gives what there is then.
  Result<BucketOptions> options(const HashedName& bucket, const BucketOptions& change,
                                const Turn& turn);
  Status drop(const HashedName& bucket, const Turn& turn = {});
  Status put(const HashedName& bucket, const HashedName& key, std::string_view value,
             const Turn& turn = {});
  /// Receives a value where it lies. Runs under a lock: it must be short, must not throw, and must
  /// not call the engine.
  using ValueVisitor = absl::FunctionRef<void(std::string_view)>;
  /// Calls `found` once with the value and answers true; answers false without a call when there is
  /// no such key.
  Result<bool> get(const HashedName& bucket, const HashedName& key, ValueVisitor found,
                   const Turn& turn = {});
  Status erase(const HashedName& bucket, const HashedName& key, const Turn& turn = {});
  Result<Entries> read(const HashedName& bucket, std::span<const std::string_view> keys,
                       const Turn& turn);
  Result<Applied> apply(const HashedName& bucket, const Changes& changes, const Turn& turn);
  /// True: the page is complete; a bucket of few keys answers so at once. False: a slice of the
  /// work is done, and it is to be asked again.
  Result<bool> scan(const HashedName& bucket, const ScanWanted& wanted, ScanPage& page,
                    const Turn& turn);
  /// What has changed, or a reset. Nothing: the follower, if there is one, is told when something
  /// has, until it unfollows.
  Result<Events> events(const HashedName& bucket, const EventsWanted& wanted, Follower* follower,
                        const Turn& turn);
  /// The follower is told of nothing more of that bucket.
  void unfollow(const HashedName& bucket, Follower& follower);
  /// One more call waits for changes; false: as many wait as may. And so many no longer do.
  bool park();
  void unpark(std::size_t polls) { parked_.fetch_sub(polls, std::memory_order_relaxed); }
  /// Keys that have expired count until they are removed.
  Result<std::uint64_t> count(const HashedName& bucket, const Turn& turn = {});
  /// Goes on with a page of the bucket's keys by a piece of work that a reactor may do in one go;
  /// true: the page is complete. A key that was there from the first call to the last is in the
  /// page if it belongs there; one that was put or erased meanwhile may be or not.
  Result<bool> scan_keys(const HashedName& bucket, Listing& page, const Turn& turn = {});
  /// The same for the names of buckets.
  bool scan_buckets(Listing& page, const Turn& turn = {});
  /// So many names are looked at in one go, more or less.
  static constexpr std::size_t kScanStep = 4096;
  /// The whole page, however long it takes: for few names, and for tests.
  Result<Page> list_keys(const HashedName& bucket, const PageLimits& limits, const Turn& turn = {});
  Result<Page> list_buckets(const PageLimits& limits, const Turn& turn = {},
                            NameFilter visible = {});

  /// Before a put, get or erase of this key, and others between: ask the processor to fetch what
  /// that will read, first the key's place, then, when that may have come, its record. Change
  /// nothing.
  void prefetch_place(const HashedName& bucket, const HashedName& key);
  void prefetch_record(const HashedName& bucket, const HashedName& key);
  /// Removes some of the keys that have expired, and what buckets have that nobody has used for
  /// long; for less than a millisecond. True: there are more.
  bool expire_some(const Turn& turn);
  /// Frees a part of what was dropped, for less than a millisecond. False: there is nothing to
  /// free.
  bool tidy() { return dropped_.free_some(); }

  // At the start of a node, by one thread and before anything else: what was there.

  Status restore_bucket(const HashedName& bucket, journal::BucketId id,
                        const BucketOptions& options = {});
  Status restore_key(const HashedName& bucket, const HashedName& key, std::string_view value,
                     Life life);
  void restore_answer(const HashedName& bucket, std::string_view once, const Applied& answer,
                      Moment at);
  /// All of it is there. No change will have a revision up to this one, and the clock is put
  /// forward to it, if it is before: the machine's was set back.
  void restored(Revision last, TimePoint now);

 private:
  static constexpr unsigned kStripeBits = 6;
  static constexpr std::size_t kStripes = std::size_t{1} << kStripeBits;
  // Lines of its own for each lock, and the adjacent one that processors fetch with it.
  struct alignas(128) Stripe {
    mutable std::mutex mutex;
    OwningSet<Bucket::Owner> buckets;
    std::uint64_t keys = 0;
    std::uint64_t expiring = 0;  // of them
    Revision last_dropped = 0;   // the greatest revision of those that were dropped
    Place place = 0;             // where a bucket was made or dropped last
    // Those that have something to do of their own, as keys that expire, and when.
    absl::btree_set<std::pair<Moment, Bucket*>> due;
  };

  std::unique_lock<std::mutex> guard(const Stripe& stripe) const;
  Status add(Stripe& stripe, const HashedName& bucket, journal::BucketId id, Revision born);
  Stripe& stripe_of(const HashedName& bucket);
  template <typename Act>
  auto act_or_free(const Turn& turn, Act act);
  // What was done of what is due: some work, of which so many keys were removed.
  struct Done {
    std::size_t work = 0;
    std::size_t keys = 0;
  };
  Done remove_expired(const Turn& turn, std::size_t most);
  template <typename Answer, typename Act>
  Answer with_bucket(const HashedName& name, const Turn& turn, Act act);
  template <typename Answer, typename Act>
  Answer changing_bucket(const HashedName& name, const Turn& turn, Act act);
  static void note_due(Stripe& stripe, Bucket& bucket, Moment before);
  Done do_due(Stripe& stripe, const Turn& turn, std::size_t most);
  template <typename Act>
  void peek_bucket(const HashedName& name, Act act);

  void count(const HashedName& bucket, int more);

  bool locks_;
  EngineClock clock_;
  ChangeLog* log_;      // null: nothing outlives the process
  MemoryBound memory_;  // outlives the buckets, which give back to it
  RingBounds rings_;    // the same
  DroppedBuckets dropped_;
  std::array<Stripe, kStripes> stripes_;
  std::atomic<std::size_t> parked_ = 0;
  std::atomic<std::size_t> expires_next_ = 0;  // the stripe that expire_some() goes on with
  // Buckets by the first byte of their names, and by that and their hash. Those without a name,
  // which only tests make, are in neither.
  std::array<std::atomic<std::uint64_t>, 256> by_byte_{};
  std::vector<std::atomic<std::uint32_t>> by_hash_ =
      std::vector<std::atomic<std::uint32_t>>(256UL * 256UL);
};

}  // namespace kvmesh::store
