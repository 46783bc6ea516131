#include "node/store/memory_engine.h"

#include <algorithm>
#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "node/store/memory_session.h"

namespace kvmesh::store {
namespace {

Status no_such_bucket(std::string_view name) {
  return {StatusCode::kNotFound, "there is no bucket " + in_quotes(name)};
}

Status too_much_to_read() {
  return {StatusCode::kTooLarge, "the values of these keys take more than " +
                                     std::to_string(limits::kReadBytesMax) +
                                     " bytes together; read fewer at a time"};
}

}  // namespace

MemoryEngine::MemoryEngine(std::uint64_t bytes_max, Use use, EngineClock clock)
    : locks_(use == Use::kThreads), clock_(clock), memory_(bytes_max), dropped_(memory_) {}

std::unique_lock<std::mutex> MemoryEngine::guard(const Stripe& stripe) const {
  return locks_ ? std::unique_lock(stripe.mutex) : std::unique_lock<std::mutex>();
}

MemoryEngine::Stripe& MemoryEngine::stripe_of(const HashedName& bucket) {
  // The top bits: tables use the others, and would crowd if all names of a stripe agreed in those.
  return stripes_[bucket.hash >> (sizeof(bucket.hash) * CHAR_BIT - kStripeBits)];
}

std::atomic<std::uint64_t>& MemoryEngine::count_of(const HashedName& bucket) {
  if (bucket.name.empty()) return counts_.back();
  return counts_[static_cast<std::uint8_t>(bucket.name.front())];
}

// What `act(stripe, bucket)` answers under the stripe's lock, or kNotFound.
template <typename Answer, typename Act>
Answer MemoryEngine::with_bucket(const HashedName& name, Act act) {
  auto& stripe = stripe_of(name);
  {
    const auto lock = guard(stripe);
    if (const auto* bucket = stripe.buckets.find(name)) return act(stripe, **bucket);
  }
  return no_such_bucket(name.name);
}

// The same for what changes the bucket's keys.
template <typename Answer, typename Act>
Answer MemoryEngine::changing_bucket(const HashedName& name, Act act) {
  return with_bucket<Answer>(name, [&](Stripe& stripe, Bucket& bucket) {
    const auto keys = bucket.size();
    const auto due = bucket.next_due();
    Answer answer = act(bucket);
    stripe.keys += bucket.size() - keys;
    note_due(stripe, bucket, due);
    return answer;
  });
}

// Puts right when the stripe has to look at the bucket, if that has changed.
void MemoryEngine::note_due(Stripe& stripe, Bucket& bucket, Moment before) {
  const auto after = bucket.next_due();
  if (before == after) return;
  if (before != kNever) stripe.due.erase({before, &bucket});
  if (after != kNever) stripe.due.insert({after, &bucket});
}

// `act(bucket)` under its stripe's lock, if there is such a bucket.
template <typename Act>
void MemoryEngine::peek_bucket(const HashedName& name, Act act) {
  auto& stripe = stripe_of(name);
  const auto lock = guard(stripe);
  if (const auto* bucket = stripe.buckets.find(name)) {
    act(std::as_const(**bucket));
  }
}

// What `put()` answers. When memory is short it is asked again after some of what was dropped has
// been freed: as long as there is such, nothing is refused for its sake.
template <typename Put>
Status MemoryEngine::put_or_free(Put put) {
  auto status = put();
  while (status.code() == StatusCode::kFull && dropped_.free_some()) status = put();
  return status;
}

Status MemoryEngine::create(const HashedName& bucket, Moment now) {
  auto& stripe = stripe_of(bucket);
  return put_or_free([&]() -> Status {
    const auto lock = guard(stripe);
    if (stripe.buckets.find(bucket) != nullptr) return {};
    auto status = stripe.buckets.insert(memory_, bucket, Bucket::bytes_empty(bucket.name), [&] {
      const auto born = next_revision(stripe.last_dropped, now);
      return std::make_unique<Bucket>(bucket.name, born, memory_);
    });
    if (status.ok()) count_of(bucket).fetch_add(1, std::memory_order_relaxed);
    return status;
  });
}

Status MemoryEngine::drop(const HashedName& bucket, Moment now) {
  auto& stripe = stripe_of(bucket);
  Bucket::Owner taken;
  {
    const auto lock = guard(stripe);
    taken = stripe.buckets.take(memory_, bucket);
    if (taken) {
      stripe.keys -= taken->size();
      if (taken->next_due() != kNever) stripe.due.erase({taken->next_due(), taken.get()});
      taken->on_drop(now);
      stripe.last_dropped = std::max(stripe.last_dropped, taken->rev());
      count_of(bucket).fetch_sub(1, std::memory_order_relaxed);
    }
  }
  if (!taken) return no_such_bucket(bucket.name);
  dropped_.add(taken->take_order());
  dropped_.add(std::move(taken));
  return {};
}

Status MemoryEngine::put(const HashedName& bucket, const HashedName& key, std::string_view value,
                         Moment now) {
  Record::Owner replaced;  // freed after the lock
  return put_or_free([&] {
    return changing_bucket<Status>(
        bucket, [&](Bucket& into) { return into.put(key, value, now, replaced); });
  });
}

Result<bool> MemoryEngine::get(const HashedName& bucket, const HashedName& key, ValueVisitor found,
                               Moment now) {
  return with_bucket<Result<bool>>(bucket, [&](Stripe&, const Bucket& in) {
    const auto* record = in.find(key, now);
    if (record != nullptr) found(record->value());
    return record != nullptr;
  });
}

Result<Entries> MemoryEngine::read(const HashedName& bucket, std::span<const std::string_view> keys,
                                   Moment now) {
  std::vector<HashedName> names{keys.begin(), keys.end()};
  return with_bucket<Result<Entries>>(bucket, [&](Stripe&, const Bucket& in) -> Result<Entries> {
    Entries out;
    out.rev = in.rev();
    std::size_t bytes = 0;
    for (const auto& name : names) {
      const auto* record = in.find(name, now);
      if (record == nullptr) {
        out.entries.emplace_back();
        continue;
      }
      bytes += record->value().size();
      if (bytes > limits::kReadBytesMax) return too_much_to_read();
      Entry entry;
      entry.rev = record->rev();
      entry.value = record->value();
      if (record->expires() != kNever) entry.ttl_ms = record->expires() - now;
      out.entries.push_back(std::move(entry));
    }
    return out;
  });
}

Result<Applied> MemoryEngine::apply(const HashedName& bucket, const Changes& changes, Moment now) {
  Bucket::Removed removed;  // freed after the lock
  Result<Applied> out{Applied{}};
  const auto status = put_or_free([&] {
    out = changing_bucket<Result<Applied>>(
        bucket, [&](Bucket& in) { return in.apply(changes, now, removed); });
    return out.status();
  });
  return out;
}

Result<bool> MemoryEngine::scan(const HashedName& bucket, const ScanWanted& wanted, ScanPage& page,
                                Moment now) {
  return changing_bucket<Result<bool>>(bucket,
                                       [&](Bucket& in) { return in.scan(wanted, now, page); });
}

Result<Events> MemoryEngine::events(const HashedName& bucket, const EventsWanted& wanted,
                                    Follower* follower, Moment now) {
  return changing_bucket<Result<Events>>(bucket, [&](Bucket& in) -> Result<Events> {
    return in.events(wanted, now, rings_, follower);
  });
}

void MemoryEngine::unfollow(const HashedName& bucket, Follower& follower) {
  auto& stripe = stripe_of(bucket);
  const auto lock = guard(stripe);
  if (const auto* found = stripe.buckets.find(bucket)) (*found)->unfollow(follower);
}

bool MemoryEngine::park() {
  if (parked_.fetch_add(1, std::memory_order_relaxed) < limits::kFollowersMax) return true;
  unpark(1);
  return false;
}

void MemoryEngine::prefetch_place(const HashedName& bucket, const HashedName& key) {
  peek_bucket(bucket, [&](const Bucket& in) { in.prefetch_place(key); });
}

void MemoryEngine::prefetch_record(const HashedName& bucket, const HashedName& key) {
  peek_bucket(bucket, [&](const Bucket& in) { in.prefetch_record(key); });
}

Status MemoryEngine::erase(const HashedName& bucket, const HashedName& key, Moment now) {
  Record::Owner erased;  // freed after the lock
  return changing_bucket<Status>(bucket, [&](Bucket& from) {
    erased = from.take(key, now);
    return Status{};
  });
}

// One stripe after the other, so that none waits for ever for another with much to remove.
bool MemoryEngine::expire_some(Moment now) {
  constexpr std::size_t kTogether = 64;  // under one lock
  constexpr std::size_t kMost = 1024;    // takes a third of a millisecond, or a half
  std::size_t left = kMost;
  for (std::size_t seen = 0; seen < kStripes && left > 0;) {
    auto& stripe = stripes_[expires_next_.load(std::memory_order_relaxed) % kStripes];
    const auto done = do_due(stripe, now, std::min(left, kTogether));
    left -= done;
    if (done > 0) {
      seen = 0;
    } else {
      ++seen;
      expires_next_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return left == 0;
}

// What one bucket of the stripe has to do of its own, if any has; how much it was, about.
std::size_t MemoryEngine::do_due(Stripe& stripe, Moment now, std::size_t most) {
  Bucket::Removed removed;  // freed after the lock
  {
    const auto lock = guard(stripe);
    const auto first = stripe.due.begin();
    if (first == stripe.due.end() || first->first > now) return 0;
    auto& bucket = *first->second;
    const auto due = bucket.next_due();
    stripe.keys -= bucket.do_due(now, most, removed);
    note_due(stripe, bucket, due);
  }
  dropped_.add(std::move(removed.order));
  return std::max<std::size_t>(removed.records.size(), 1);
}

Result<std::uint64_t> MemoryEngine::count(const HashedName& bucket) {
  return with_bucket<Result<std::uint64_t>>(
      bucket, [](Stripe&, const Bucket& found) { return std::uint64_t{found.size()}; });
}

// The position of a listing of keys is one of the bucket's set.
Result<bool> MemoryEngine::scan_keys(const HashedName& bucket, Listing& page, Moment now) {
  return with_bucket<Result<bool>>(bucket, [&](Stripe&, const Bucket& found) {
    for (std::size_t seen = 0; seen < kScanStep && page.position < kScanEnd;) {
      page.position = found.visit_from(page.position, now, [&](const Record& record) {
        page.offer(record.key());
        ++seen;
      });
    }
    return page.position == kScanEnd;
  });
}

// That of a listing of buckets is one of the sets of all stripes, one after the other.
bool MemoryEngine::scan_buckets(Listing& page) {
  for (std::size_t seen = 0; seen < kScanStep && page.position < kStripes * kScanEnd;) {
    const auto index = page.position / kScanEnd;
    const auto& stripe = stripes_[index];
    const auto lock = guard(stripe);
    page.position = index * kScanEnd +
                    stripe.buckets.visit_from(page.position % kScanEnd, [&](const Bucket& bucket) {
                      page.offer(bucket.name());
                      ++seen;
                    });
  }
  return page.position == kStripes * kScanEnd;
}

Result<Page> MemoryEngine::list_keys(const HashedName& bucket, const PageLimits& limits,
                                     Moment now) {
  Listing page(limits);
  for (;;) {
    const auto complete = scan_keys(bucket, page, now);
    if (!complete) return complete.status();
    if (*complete) return std::move(page).finish();
  }
}

Result<Page> MemoryEngine::list_buckets(const PageLimits& limits) {
  Listing page(limits);
  while (!scan_buckets(page)) {
  }
  return std::move(page).finish();
}

std::unique_ptr<Session> MemoryEngine::open(SessionOwner& owner, std::function<void()> wake) {
  return std::make_unique<MemorySession>(*this, owner, std::move(wake));
}

Usage MemoryEngine::usage() const {
  Usage usage{.bytes = memory_.held(), .bytes_max = memory_.max()};
  for (const auto& stripe : stripes_) {
    const auto lock = guard(stripe);
    usage.buckets += stripe.buckets.size();
    usage.keys += stripe.keys;
  }
  usage.buckets_of = buckets_by_byte();
  return usage;
}

BucketsByByte MemoryEngine::buckets_by_byte() const {
  BucketsByByte counts{};
  for (std::size_t byte = 0; byte < counts.size(); ++byte) {
    counts[byte] = counts_[byte].load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace kvmesh::store
