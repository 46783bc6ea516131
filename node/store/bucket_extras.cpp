// What a bucket has only while somebody uses it: the order of its keys, its last changes for those
// who follow it, and the ids of calls that must not be executed twice. And what it writes down.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/store/bucket.h"

namespace kvmesh::store {
namespace {

// After so long without a scan, the order of the keys is given up.
constexpr Moment kOrderKeptMs = 60'000;
// So many keys are put in their order for each scan anew: no order is kept of a small bucket.
constexpr std::size_t kSortedAtOnce = 1024;
// Keys that have expired and are not removed yet: a look passes over no more of them.
constexpr std::size_t kExpiredMost = 16384;

}  // namespace

Status Bucket::make_extras(Moment now) {
  if (extras_) return {};
  if (auto status = memory_.reserve(kExtrasBytes); !status.ok()) return status;
  extras_ = std::make_unique<Extras>();
  look_at(now);  // they go again if nobody keeps something in them
  return {};
}

void Bucket::charge_extras() {
  if (extras_) return;
  extras_ = std::make_unique<Extras>();
  memory_.charge(kExtrasBytes);
}

// Its options.

const BucketOptions& Bucket::options() const {
  static constexpr BucketOptions kNone{};
  return extras_ ? extras_->options : kNone;
}

Status Bucket::set_options(const BucketOptions& change, const Turn& turn, RingBounds& rings) {
  const auto options = changed(this->options(), change);
  if (options == this->options()) return {};
  const auto meta = pack_options(options);
  if (turn.room != nullptr) {
    auto status = turn.room->reserve(journal::staged_bytes(name_.size(), meta.size()));
    if (!status.ok()) return status;
  }
  if (auto status = make_extras(turn.now); !status.ok()) return status;
  const bool needs_ring = options.history_bytes || extras_->ring;
  if (needs_ring && options.history_bytes != extras_->options.history_bytes) {
    auto status = make_ring(options, rings);
    if (!status.ok()) return status;
    extras_->ring_used = turn.now;
  }
  extras_->options = options;
  look_at(turn.now);
  const auto written = journal::Change::of_bucket(id_, name_, meta);
  write({&written, 1}, turn);
  return {};
}

void Bucket::restore_options(const BucketOptions& options) {
  if (!options.any()) return;
  charge_extras();
  extras_->options = options;
}

void Bucket::restored(Revision rev, RingBounds& rings) {
  rev_ = std::max(rev_, rev);
  if (!extras_) return;
  extras_->once.sort();
  // Without memory it begins when somebody follows, and there is some.
  if (extras_->options.history_bytes) (void)make_ring(extras_->options, rings);
}

// But for those of the ring, which takes them itself.
std::uint64_t Bucket::extras_bytes() const {
  if (!extras_) return 0;
  return kExtrasBytes + extras_->once.bytes() +
         (extras_->order ? records_.size() * KeyOrder::kBytes : 0);
}

// In the order of keys.

// With records that `visit(take)` gives in their order, until take(record) is false.
template <typename Visit>
void Bucket::fill(const ScanWanted& wanted, Moment now, ScanPage& page, Visit visit) const {
  page.rev = rev_;
  page.values = wanted.values;
  std::size_t bytes = 0;
  std::size_t expired = 0;
  visit([&](const Record& record) {
    if (!record.key().starts_with(wanted.prefix)) return false;
    if (record.has_expired(now)) {
      if (++expired < kExpiredMost) return true;
      page.passed = record.key();
      return false;
    }
    bytes += record.key().size() + (wanted.values ? record.value().size() : 0);
    page.more =
        page.items.size() >= wanted.items_max || (bytes > wanted.bytes_max && !page.items.empty());
    if (page.more) return false;
    Entry entry{record.rev(), {}, time_left(record.expires(), now)};
    if (wanted.values) entry.value = record.value();
    page.items.push_back({std::string{record.key()}, std::move(entry)});
    return true;
  });
}

Result<bool> Bucket::scan(const ScanWanted& wanted, Moment now, ScanPage& page) {
  const bool goes_on = wanted.after && *wanted.after >= wanted.prefix;
  const auto from = goes_on ? *wanted.after : wanted.prefix;
  if (order() == nullptr && records_.size() <= kSortedAtOnce) {
    std::vector<const Record*> found;
    for (ScanPosition at = 0; at < kScanEnd;) {
      at = records_.visit_from(at, [&](const Record& record) {
        const auto key = record.key();
        if (key.starts_with(wanted.prefix) && (!goes_on || key > from)) found.push_back(&record);
      });
    }
    std::ranges::sort(found, {}, &Record::key);
    fill(wanted, now, page, [&](const auto& take) {
      for (const auto* record : found) {
        if (!take(*record)) return;
      }
    });
    return true;
  }
  if (auto status = make_extras(now); !status.ok()) return status;
  auto& order = extras_->order;
  if (!order) {
    auto status = memory_.reserve(records_.size() * KeyOrder::kBytes);
    if (!status.ok()) return status;
    order = std::make_unique<KeyOrder>();
  }
  extras_->order_used = now;
  look_at(now + kOrderKeptMs);
  if (!order->is_whole()) order->build_some(records_);
  if (!order->is_whole()) return false;

  fill(wanted, now, page, [&](const auto& take) { order->visit_from(from, goes_on, take); });
  if (page.passed.empty()) return true;
  if (page.items.empty()) return false;
  page.more = true;
  page.passed.clear();
  return true;
}

KeyOrder::Owner Bucket::take_order() {
  if (order() == nullptr) return nullptr;
  order()->end(records_.size());
  return std::exchange(extras_->order, nullptr);
}

// For those who follow it.

Result<Events> Bucket::events(const EventsWanted& wanted, Moment now, RingBounds& rings,
                              Follower* follower) {
  if (auto status = make_extras(now); !status.ok()) return status;
  auto& ring = extras_->ring;
  if (!ring) {
    if (auto status = make_ring(extras_->options, rings); !status.ok()) return status;
  }
  extras_->ring_used = now;
  look_at(now + EventRing::kKeptMs);
  auto out = ring->read(wanted, rev_);
  out.now = now;
  if (out.events.empty() && !out.reset && follower != nullptr) ring->follow(*follower);
  return out;
}

// As these options have it, with what is remembered now.
Status Bucket::make_ring(const BucketOptions& options, RingBounds& rings) {
  const auto bytes = options.history_bytes.value_or(EventRing::kBytesDefault);
  auto& bound = options.history_bytes ? rings.histories : rings.followed;
  if (extras_->ring) {
    extras_->ring->set_bounds(bytes, bound);
    return {};
  }
  if (auto status = memory_.reserve(EventRing::kBytesEmpty); !status.ok()) return status;
  extras_->ring = std::make_shared<EventRing>(rev_, bytes, memory_, bound);
  return {};
}

void Bucket::unfollow(Follower& follower) {
  if (ring() != nullptr) ring()->unfollow(follower);
}

void Bucket::tell_put(const Record& record) {
  ring()->add({rev_, Event::Kind::kPut, std::string{record.key()}, std::string{record.value()},
               record.expires()});
  ring()->tell_followers(name_, nullptr);
}

void Bucket::tell(Event::Kind kind, std::string_view key, Moment expires) {
  if (ring() == nullptr) return;
  ring()->add({rev_, kind, std::string{key}, {}, expires});
  ring()->tell_followers(name_, nullptr);
}

void Bucket::on_drop(const Turn& turn) {
  rev_ = next_revision(rev_, turn.now);
  const auto change = journal::Change::drop(id_);
  write({&change, 1}, turn);
  if (ring() == nullptr) return;
  ring()->add({rev_, Event::Kind::kDrop, {}, {}});
  ring()->end_at(place_);
  ring()->tell_followers(name_, extras_->ring);
}

// Calls that must not be executed twice.

const Applied* Bucket::answer_to(std::string_view once, Moment now) const {
  return once.empty() || !extras_ ? nullptr : extras_->once.find(once, now);
}

// REQUIRES: what it takes is reserved, and there are extras.
void Bucket::remember(std::string_view once, const Applied& answer, const Turn& turn) {
  if (once.empty()) return;
  extras_->once.add(once, answer, turn.now);
  forget_old_ids(turn);
  look_at(turn.now + OnceIds::kKeptMs);
}

// What is left in the log when it has no room, is forgotten after the next start.
void Bucket::forget_old_ids(const Turn& turn) {
  auto& once = extras_->once;
  while (once.has_old(turn.now)) {
    const auto& oldest = once.oldest();
    if (turn.room != nullptr && turn.room->reserve(journal::staged_bytes(oldest.size(), 0)).ok()) {
      const auto change = journal::Change::forget_note(id_, oldest);
      write({&change, 1}, turn);
    }
    const auto before = once.bytes();
    once.forget_oldest();
    memory_.release(before - once.bytes());
  }
}

// When something may be too old.

void Bucket::look_at(Moment at) {
  if (extras_->look_at == kNever || at < extras_->look_at) extras_->look_at = at;
}

Moment Bucket::next_due() const {
  const auto expiry = expiries_ ? expiries_->begin()->at : kNever;
  const auto look = extras_ ? extras_->look_at : kNever;
  if (expiry == kNever || look == kNever) return std::max(expiry, look);
  return std::min(expiry, look);
}

void Bucket::forget_old(const Turn& turn, Removed& removed) {
  const auto now = turn.now;
  if (!extras_ || extras_->look_at == kNever || now < extras_->look_at) return;
  extras_->look_at = kNever;
  forget_old_ids(turn);
  if (!extras_->once.empty()) look_at(extras_->once.next_end());
  if (extras_->order) {
    const auto until = extras_->order_used + kOrderKeptMs;
    if (now >= until) {
      removed.order = take_order();
    } else {
      look_at(until);
    }
  }
  if (extras_->ring && !extras_->options.history_bytes) {
    const auto until = extras_->ring_used + EventRing::kKeptMs;
    if (now >= until && !extras_->ring->has_followers()) {
      extras_->ring.reset();
    } else {
      look_at(std::max(until, now + EventRing::kKeptMs));
    }
  }
  if (extras_->look_at != kNever || extras_->options.any()) return;
  extras_.reset();
  memory_.release(kExtrasBytes);
}

// In the log, and from it.

void Bucket::write(std::span<const journal::Change> changes, const Turn& turn) {
  if (turn.room != nullptr) place_ = turn.room->write(changes, rev_);
}

void Bucket::write_put(const HashedName& key, std::string_view value, Life life, const Turn& turn) {
  if (turn.room == nullptr) return;
  const auto change = journal::Change::put(id_, key.name, {value, life.rev, life.expires});
  write({&change, 1}, turn);
  turn.room->wrote_key(place_hash(key), place_);
}

void Bucket::write_erase(const HashedName& key, const Turn& turn) {
  if (turn.room == nullptr) return;
  const auto change = journal::Change::erase(id_, key.name);
  write({&change, 1}, turn);
  turn.room->wrote_key(place_hash(key), place_);
}

Status Bucket::restore(const HashedName& key, std::string_view value, Life life) {
  rev_ = std::max(rev_, life.rev);
  return insert(key, value, life);
}

void Bucket::restore_answer(std::string_view once, const Applied& answer, Moment at) {
  charge_extras();
  memory_.charge(OnceIds::cost(answer.each.size()));
  extras_->once.add(once, answer, at);
  look_at(at + OnceIds::kKeptMs);
}

}  // namespace kvmesh::store
