#include "node/store/memory_engine.h"

#include <algorithm>
#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/route_hash.h"
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

StatusCode code_of(const Status& status) { return status.code(); }
template <typename Value>
StatusCode code_of(const Result<Value>& result) {
  return result.status().code();
}

Result<Entries> read_entries(const Bucket& bucket, std::span<const HashedName> names, Moment now) {
  Entries out;
  out.rev = bucket.rev();
  std::size_t bytes = 0;
  for (const auto& name : names) {
    auto& entry = out.entries.emplace_back();
    const auto* record = bucket.find(name, now);
    if (record == nullptr) continue;
    bytes += record->value().size();
    if (bytes > limits::kReadBytesMax) return too_much_to_read();
    entry = Entry{record->rev(), std::string{record->value()}, time_left(record->expires(), now)};
  }
  return out;
}

}  // namespace

MemoryEngine::MemoryEngine(std::uint64_t bytes_max, Use use, EngineClock clock, ChangeLog* log)
    : locks_(use == Use::kThreads),
      clock_(clock),
      log_(log),
      memory_(bytes_max),
      dropped_(memory_) {}

std::unique_lock<std::mutex> MemoryEngine::guard(const Stripe& stripe) const {
  return locks_ ? std::unique_lock(stripe.mutex) : std::unique_lock<std::mutex>();
}

MemoryEngine::Stripe& MemoryEngine::stripe_of(const HashedName& bucket) {
  // The top bits: tables use the others, and would crowd if all names of a stripe agreed in those.
  return stripes_[bucket.hash >> (sizeof(bucket.hash) * CHAR_BIT - kStripeBits)];
}

void MemoryEngine::count(const HashedName& bucket, int more) {
  if (bucket.name.empty()) return;
  const auto byte = static_cast<std::uint8_t>(bucket.name.front());
  const std::size_t cell = std::size_t{byte} << 8 | route_hash(bucket.name);
  by_byte_[byte].fetch_add(static_cast<std::uint64_t>(more), std::memory_order_relaxed);
  by_hash_[cell].fetch_add(static_cast<std::uint32_t>(more), std::memory_order_relaxed);
}

// What `act(stripe, bucket)` answers under the stripe's lock, or kNotFound.
template <typename Answer, typename Act>
Answer MemoryEngine::with_bucket(const HashedName& name, const Turn& turn, Act act) {
  auto& stripe = stripe_of(name);
  {
    const auto lock = guard(stripe);
    if (turn.room != nullptr) turn.room->saw(stripe.place);
    if (const auto* bucket = stripe.buckets.find(name)) return act(stripe, **bucket);
  }
  return no_such_bucket(name.name);
}

// The same for what changes the bucket's keys.
template <typename Answer, typename Act>
Answer MemoryEngine::changing_bucket(const HashedName& name, const Turn& turn, Act act) {
  return with_bucket<Answer>(name, turn, [&](Stripe& stripe, Bucket& bucket) {
    const auto keys = bucket.size();
    const auto expiring = bucket.expiring();
    const auto due = bucket.next_due();
    Answer answer = act(bucket);
    stripe.keys += bucket.size() - keys;
    stripe.expiring += bucket.expiring() - expiring;
    note_due(stripe, bucket, due);
    return answer;
  });
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

// What `act()` answers. When memory is short it is asked again after some of what was dropped, or
// has expired, has been freed: as long as there is such, nothing is refused for its sake.
template <typename Act>
auto MemoryEngine::act_or_free(const Turn& turn, Act act) {
  constexpr std::size_t kTogether = 256;
  auto answer = act();
  while (code_of(answer) == StatusCode::kFull &&
         (dropped_.free_some() || remove_expired(turn, kTogether).keys > 0)) {
    answer = act();
  }
  return answer;
}

Status MemoryEngine::create(const HashedName& bucket, const Turn& turn,
                            const BucketOptions& options) {
  auto& stripe = stripe_of(bucket);
  return act_or_free(turn, [&]() -> Status {
    const auto lock = guard(stripe);
    if (turn.room != nullptr) turn.room->saw(stripe.place);
    if (stripe.buckets.find(bucket) != nullptr) return {};
    if (turn.room != nullptr) {
      auto status = turn.room->reserve(journal::staged_bytes(bucket.name.size(), kOptionsBytesMax));
      if (!status.ok()) return status;
    }
    const auto id = log_ == nullptr ? 0 : log_->new_bucket();
    const auto born = next_revision(stripe.last_dropped, turn.now);
    if (auto status = add(stripe, bucket, id, born); !status.ok()) return status;
    if (options.any()) {
      auto& made = **stripe.buckets.find(bucket);
      if (auto status = made.set_options(options, {turn.now}, rings_); !status.ok()) {
        (void)stripe.buckets.take(memory_, bucket);
        count(bucket, -1);
        return status;
      }
      note_due(stripe, made, kNever);
    }
    if (turn.room == nullptr) return {};
    const auto meta = pack_options(changed({}, options));
    const auto change = journal::Change::of_bucket(id, bucket.name, meta);
    stripe.place = turn.room->write({&change, 1}, born);
    return {};
  });
}

Result<BucketOptions> MemoryEngine::options(const HashedName& bucket, const BucketOptions& change,
                                            const Turn& turn) {
  const auto set = [&](Bucket& in) -> Result<BucketOptions> {
    auto status = in.set_options(change, turn, rings_);
    if (turn.room != nullptr) turn.room->saw(in.place());
    if (!status.ok()) return status;
    return in.options();
  };
  return act_or_free(turn,
                     [&] { return changing_bucket<Result<BucketOptions>>(bucket, turn, set); });
}

Status MemoryEngine::add(Stripe& stripe, const HashedName& bucket, journal::BucketId id,
                         Revision born) {
  auto status = stripe.buckets.insert(memory_, bucket, Bucket::bytes_empty(bucket.name), [&] {
    return std::make_unique<Bucket>(bucket.name, born, memory_, id);
  });
  if (status.ok()) count(bucket, 1);
  return status;
}

Status MemoryEngine::drop(const HashedName& bucket, const Turn& turn) {
  auto& stripe = stripe_of(bucket);
  Bucket::Owner taken;
  {
    const auto lock = guard(stripe);
    if (turn.room != nullptr) {
      turn.room->saw(stripe.place);
      auto status = turn.room->reserve(journal::staged_bytes(0, 0));
      if (!status.ok()) return status;
    }
    taken = stripe.buckets.take(memory_, bucket);
    if (taken) {
      stripe.keys -= taken->size();
      stripe.expiring -= taken->expiring();
      if (taken->next_due() != kNever) stripe.due.erase({taken->next_due(), taken.get()});
      taken->on_drop(turn);
      stripe.place = taken->place();
      stripe.last_dropped = std::max(stripe.last_dropped, taken->rev());
      count(bucket, -1);
    }
  }
  if (!taken) return no_such_bucket(bucket.name);
  dropped_.add(taken->take_order());
  dropped_.add(std::move(taken));
  return {};
}

Status MemoryEngine::put(const HashedName& bucket, const HashedName& key, std::string_view value,
                         const Turn& turn) {
  Record::Owner replaced;  // freed after the lock
  return act_or_free(turn, [&] {
    return changing_bucket<Status>(
        bucket, turn, [&](Bucket& into) { return into.put(key, value, turn, replaced); });
  });
}

Result<bool> MemoryEngine::get(const HashedName& bucket, const HashedName& key, ValueVisitor found,
                               const Turn& turn) {
  return with_bucket<Result<bool>>(bucket, turn, [&](Stripe&, const Bucket& in) {
    const auto* record = in.find(key, turn.now);
    in.saw_key(key, turn);
    if (record != nullptr) found(record->value());
    return record != nullptr;
  });
}

Result<Entries> MemoryEngine::read(const HashedName& bucket, std::span<const std::string_view> keys,
                                   const Turn& turn) {
  const std::vector<HashedName> names{keys.begin(), keys.end()};
  return with_bucket<Result<Entries>>(bucket, turn, [&](Stripe&, const Bucket& in) {
    // The revision of the bucket is that of its last change.
    if (turn.room != nullptr) turn.room->saw(in.place());
    return read_entries(in, names, turn.now);
  });
}

Result<Applied> MemoryEngine::apply(const HashedName& bucket, const Changes& changes,
                                    const Turn& turn) {
  Bucket::Removed removed;  // freed after the lock
  return act_or_free(turn, [&] {
    return changing_bucket<Result<Applied>>(
        bucket, turn, [&](Bucket& in) { return in.apply(changes, turn, removed); });
  });
}

Result<bool> MemoryEngine::scan(const HashedName& bucket, const ScanWanted& wanted, ScanPage& page,
                                const Turn& turn) {
  return act_or_free(turn, [&] {
    return changing_bucket<Result<bool>>(bucket, turn, [&](Bucket& in) {
      if (turn.room != nullptr) turn.room->saw(in.place());
      return in.scan(wanted, turn.now, page);
    });
  });
}

Result<Events> MemoryEngine::events(const HashedName& bucket, const EventsWanted& wanted,
                                    Follower* follower, const Turn& turn) {
  return act_or_free(turn, [&] {
    return changing_bucket<Result<Events>>(bucket, turn, [&](Bucket& in) -> Result<Events> {
      if (turn.room != nullptr) turn.room->saw(in.place());
      return in.events(wanted, turn.now, rings_, follower);
    });
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

Status MemoryEngine::erase(const HashedName& bucket, const HashedName& key, const Turn& turn) {
  Record::Owner erased;  // freed after the lock
  return changing_bucket<Status>(bucket, turn, [&](Bucket& from) {
    auto taken = from.take(key, turn);
    if (!taken) return taken.status();
    erased = *std::move(taken);
    return Status{};
  });
}

Result<std::uint64_t> MemoryEngine::count(const HashedName& bucket, const Turn& turn) {
  return with_bucket<Result<std::uint64_t>>(bucket, turn, [&](Stripe&, const Bucket& found) {
    if (turn.room != nullptr) turn.room->saw(found.place());
    return std::uint64_t{found.size()};
  });
}

// The position of a listing of keys is one of the bucket's set.
Result<bool> MemoryEngine::scan_keys(const HashedName& bucket, Listing& page, const Turn& turn) {
  return with_bucket<Result<bool>>(bucket, turn, [&](Stripe&, const Bucket& found) {
    if (turn.room != nullptr) turn.room->saw(found.place());
    for (std::size_t seen = 0; seen < kScanStep && page.position < kScanEnd;) {
      page.position = found.visit_from(page.position, turn.now, [&](const Record& record) {
        page.offer(record.key());
        ++seen;
      });
    }
    return page.position == kScanEnd;
  });
}

// That of a listing of buckets is one of the sets of all stripes, one after the other.
bool MemoryEngine::scan_buckets(Listing& page, const Turn& turn) {
  for (std::size_t seen = 0; seen < kScanStep && page.position < kStripes * kScanEnd;) {
    const auto index = page.position / kScanEnd;
    const auto& stripe = stripes_[index];
    const auto lock = guard(stripe);
    if (turn.room != nullptr) turn.room->saw(stripe.place);
    page.position = index * kScanEnd +
                    stripe.buckets.visit_from(page.position % kScanEnd, [&](const Bucket& bucket) {
                      page.offer(bucket.name());
                      ++seen;
                    });
  }
  return page.position == kStripes * kScanEnd;
}

Result<Page> MemoryEngine::list_keys(const HashedName& bucket, const PageLimits& limits,
                                     const Turn& turn) {
  Listing page(limits);
  for (;;) {
    const auto complete = scan_keys(bucket, page, turn);
    if (!complete) return complete.status();
    if (*complete) return std::move(page).finish();
  }
}

Result<Page> MemoryEngine::list_buckets(const PageLimits& limits, const Turn& turn,
                                        NameFilter visible) {
  Listing page(limits, std::move(visible));
  while (!scan_buckets(page, turn)) {
  }
  return std::move(page).finish();
}

std::unique_ptr<Session> MemoryEngine::open(SessionOwner& owner, std::function<void()> wake) {
  return std::make_unique<MemorySession>(*this, owner, std::move(wake));
}

}  // namespace kvmesh::store
