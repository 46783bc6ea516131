// What an engine in memory does of its own: what is due, what was there at the start, and its
// figures.
#include <algorithm>
#include <utility>

#include "node/store/freed_pieces.h"
#include "node/store/memory_engine.h"

namespace kvmesh::store {

// Puts right when the stripe has to look at the bucket, if that has changed.
void MemoryEngine::note_due(Stripe& stripe, Bucket& bucket, Moment before) {
  const auto after = bucket.next_due();
  if (before == after) return;
  if (before != kNever) stripe.due.erase({before, &bucket});
  if (after != kNever) stripe.due.insert({after, &bucket});
}

bool MemoryEngine::expire_some(const Turn& turn) {
  // Takes a quarter of a millisecond where there are millions, and two when their tables shrink:
  // all of them do so at about the same time.
  constexpr std::size_t kMost = 256;
  return remove_expired(turn, kMost).work >= kMost;
}

// One stripe after the other, so that none waits for ever for another with much to remove.
MemoryEngine::Done MemoryEngine::remove_expired(const Turn& turn, std::size_t most) {
  constexpr std::size_t kTogether = 64;  // under one lock
  Done all;
  for (std::size_t seen = 0; seen < kStripes && all.work < most;) {
    auto& stripe = stripes_[expires_next_.load(std::memory_order_relaxed) % kStripes];
    const auto done = do_due(stripe, turn, std::min(most - all.work, kTogether));
    all.work += done.work;
    all.keys += done.keys;
    if (done.work > 0) {
      seen = 0;
    } else {
      ++seen;
      expires_next_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (all.work > 0) sort_freed_pieces();
  return all;
}

// What one bucket of the stripe has to do of its own, if any has; how much it was, about. 0: there
// is nothing to do, or the log has no room for it.
MemoryEngine::Done MemoryEngine::do_due(Stripe& stripe, const Turn& turn, std::size_t most) {
  Bucket::Removed removed;  // freed after the lock
  bool has_gone_on = false;
  {
    const auto lock = guard(stripe);
    const auto first = stripe.due.begin();
    if (first == stripe.due.end() || first->first > turn.now) return {};
    auto& bucket = *first->second;
    const auto due = bucket.next_due();
    const auto expired = bucket.do_due(turn, most, removed);
    stripe.keys -= expired;
    stripe.expiring -= expired;
    has_gone_on = !removed.records.empty() || bucket.next_due() != due;
    note_due(stripe, bucket, due);
  }
  dropped_.add(std::move(removed.order));
  const auto keys = removed.records.size();
  return {has_gone_on ? std::max<std::size_t>(keys, 1) : 0, keys};
}

Status MemoryEngine::restore_bucket(const HashedName& bucket, journal::BucketId id,
                                    const BucketOptions& options) {
  auto& stripe = stripe_of(bucket);
  auto status = add(stripe, bucket, id, 1);
  if (status.ok()) (*stripe.buckets.find(bucket))->restore_options(options);
  return status;
}

Status MemoryEngine::restore_key(const HashedName& bucket, const HashedName& key,
                                 std::string_view value, Life life) {
  auto& stripe = stripe_of(bucket);
  auto& into = **stripe.buckets.find(bucket);
  const auto due = into.next_due();
  auto status = into.restore(key, value, life);
  if (status.ok()) ++stripe.keys;
  if (status.ok() && life.expires != kNever) ++stripe.expiring;
  note_due(stripe, into, due);
  return status;
}

void MemoryEngine::restore_answer(const HashedName& bucket, std::string_view once,
                                  const Applied& answer, Moment at) {
  auto& stripe = stripe_of(bucket);
  auto& into = **stripe.buckets.find(bucket);
  const auto due = into.next_due();
  into.restore_answer(once, answer, at);
  note_due(stripe, into, due);
}

void MemoryEngine::restored(Revision last, TimePoint now) {
  clock_.not_before(moment_of(last), now);
  for (auto& stripe : stripes_) {
    stripe.last_dropped = last;
    for (ScanPosition at = 0; at < kScanEnd;) {
      at = stripe.buckets.visit_from(at, [&](const Bucket& bucket) {
        (*stripe.buckets.find(bucket.name()))->restored(last, rings_);
      });
    }
  }
}

Usage MemoryEngine::usage() const {
  Usage usage{.bytes = memory_.held(),
              .bytes_max = memory_.max(),
              .followed = rings_.followed.held() + rings_.histories.held(),
              .followers = parked_.load(std::memory_order_relaxed)};
  for (const auto& stripe : stripes_) {
    const auto lock = guard(stripe);
    usage.buckets += stripe.buckets.size();
    usage.keys += stripe.keys;
    usage.expiring += stripe.expiring;
  }
  return usage;
}

BucketCounts MemoryEngine::buckets_by_byte() const {
  BucketCounts counts{};
  for (std::size_t byte = 0; byte < counts.size(); ++byte) {
    counts[byte] = by_byte_[byte].load(std::memory_order_relaxed);
  }
  return counts;
}

BucketCounts MemoryEngine::buckets_by_hash(std::uint8_t byte) const {
  BucketCounts counts{};
  for (std::size_t hash = 0; hash < counts.size(); ++hash) {
    counts[hash] = by_hash_[std::size_t{byte} << 8 | hash].load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace kvmesh::store
