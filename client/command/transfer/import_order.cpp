#include "client/command/transfer/import_order.h"

#include <algorithm>
#include <utility>

#include "common/functions.h"

namespace kvmesh::command {
namespace {

constexpr std::size_t kItemOverheadBytes = 256;
// So often a bucket is created again without a line that is stored in it.
constexpr std::uint8_t kMadeAgainMax = 3;

}  // namespace

void ImportOrder::add(std::uint64_t line, Record record) {
  const auto [place, is_new] = buckets_.try_emplace(std::move(record.bucket));
  Bucket& bucket = place->second;
  bucket.name = &place->first;
  record.bucket.clear();
  const bool bucket_only = !record.pair;
  if (options_.create && (bucket_only || !bucket.created)) {
    bucket.created = true;
    append(bucket, Kind::kCreate, bucket_only, line, {});
  }
  if (!bucket_only) {
    append(bucket, Kind::kPut, true, line, std::move(record));
  } else if (!options_.create) {
    append(bucket, Kind::kCheck, true, line, {});
  }
  make_ready(bucket);
}

ImportOrder::Id ImportOrder::new_item(Bucket& bucket, Kind kind, bool reported, std::uint64_t line,
                                      Record record) {
  Id id = static_cast<Id>(items_.size());
  if (free_.empty()) {
    items_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Item& item = items_[id];
  item.record = std::move(record);
  item.line = line;
  item.bytes = kItemOverheadBytes + bucket.name->size();
  if (item.record.pair) {
    item.bytes += item.record.pair->key.size() + item.record.pair->value.size();
  }
  item.bucket = &bucket;
  item.next = kNone;
  item.kind = kind;
  item.state = State::kUnsent;
  item.reported = reported;
  item.status = {};
  ++used_;
  bytes_ += item.bytes;
  return id;
}

void ImportOrder::append(Bucket& bucket, Kind kind, bool reported, std::uint64_t line,
                         Record record) {
  const Id id = new_item(bucket, kind, reported, line, std::move(record));
  (bucket.tail == kNone ? bucket.head : items_[bucket.tail].next) = id;
  bucket.tail = id;
  if (bucket.next == kNone) bucket.next = id;
}

// Before all its lines that are not settled. REQUIRES: there are some.
void ImportOrder::make_again(Bucket& bucket) {
  bucket.gone = false;
  ++bucket.made_again;
  lose(bucket);
  const Id id = new_item(bucket, Kind::kCreate, false, 0, {});
  items_[id].next = bucket.head;
  bucket.head = id;
}

void ImportOrder::lose(Bucket& bucket) {
  lost_ += bucket.lines_stored;
  bucket.lines_stored = 0;
  bucket.since.reset();
  if (std::exchange(bucket.stored, false)) --buckets_stored_;
}

void ImportOrder::on_restart(const std::function<bool(std::string_view)>& its, Time began) {
  for (auto& [name, bucket] : buckets_) {
    if (bucket.since && *bucket.since < began && its(name)) lose(bucket);
  }
}

void ImportOrder::make_ready(Bucket& bucket) {
  if (bucket.queued || (bucket.holding && !bucket.probe_due)) return;
  bucket.queued = true;
  ready_.push_back(&bucket);
}

std::optional<ImportOrder::Id> ImportOrder::next_to_send(Time now) {
  if (abandoned_) return std::nullopt;
  while (!retries_.empty() && retries_.begin()->first <= now) {
    Bucket& bucket = *retries_.begin()->second;
    retries_.erase(retries_.begin());
    bucket.probe_due = true;
    make_ready(bucket);
  }
  while (!ready_.empty()) {
    Bucket& bucket = *ready_.front();
    const bool blocked = bucket.holding && !bucket.probe_due;
    if (blocked || bucket.next == kNone) {
      bucket.queued = false;
      ready_.pop_front();
      continue;
    }
    const Id id = bucket.next;
    Item& item = items_[id];
    bucket.next = item.next;
    bucket.probing = bucket.probe_due;
    bucket.probe_due = false;
    item.state = State::kInFlight;
    if (item.kind == Kind::kCreate) bucket.create_sent = now;
    ++bucket.in_flight;
    ++in_flight_;
    return id;
  }
  return std::nullopt;
}

void ImportOrder::on_outcome(Id id, Status status, Time now) {
  Item& item = items_[id];
  Bucket& bucket = *item.bucket;
  --bucket.in_flight;
  --in_flight_;
  item.status = std::move(status);
  if (item.status.ok()) {
    succeed(item, now);
  } else {
    fail(item, now);
  }
  if (bucket.holding && bucket.in_flight == 0) rewind(bucket, now);
  settle_front(bucket);
}

void ImportOrder::succeed(Item& item, Time now) {
  Bucket& bucket = *item.bucket;
  item.state = State::kOk;
  failing_since_.reset();
  if (item.kind == Kind::kCreate) {
    bucket.created = true;
    bucket.create_error = {};
  } else {
    bucket.made_again = 0;
  }
  if (!bucket.since) bucket.since = item.kind == Kind::kCreate ? bucket.create_sent : now;
  if (bucket.probing || bucket.given_up) end_trouble(bucket);
}

void ImportOrder::fail(Item& item, Time now) {
  Bucket& bucket = *item.bucket;
  // A line after one that is to be tried again has no fate of its own yet: its bucket may not be
  // created.
  if (!abandoned_ && bucket.holding && !bucket.probing) {
    item.state = State::kAgain;
    return;
  }
  static_assert(functions::kKvCreate.is_repeatable && functions::kKvPut.is_repeatable);
  const bool passing = is_transient(item.status.code());
  const bool gone = item.status.code() == StatusCode::kNotFound && options_.create &&
                    bucket.created && bucket.made_again < kMadeAgainMax;
  if ((passing || gone) && may_retry(bucket, now)) {
    item.state = State::kAgain;
    bucket.holding = true;
    bucket.probing = false;
    bucket.gone = gone;
    return;
  }
  item.state = State::kFailed;
  if (item.kind == Kind::kCreate) {
    bucket.created = false;
    bucket.create_error = item.status;
  }
  if (!bucket.probing) return;
  end_trouble(bucket);
  bucket.given_up = passing;
}

bool ImportOrder::may_retry(Bucket& bucket, Time now) {
  if (abandoned_ || bucket.given_up) return false;
  if (!failing_since_ || now - last_failure_ > options_.retry_for) failing_since_ = now;
  last_failure_ = now;
  // Where nothing at all succeeds, a bucket that comes later does not begin to wait anew.
  if (!bucket.holding) {
    bucket.trouble_since = *failing_since_;
    bucket.pause = options_.pause_min;
  }
  return now - bucket.trouble_since < options_.retry_for;
}

void ImportOrder::rewind(Bucket& bucket, Time now) {
  settle_front(bucket);
  if (bucket.gone) make_again(bucket);
  for (Id id = bucket.head; id != kNone; id = items_[id].next) {
    items_[id].state = State::kUnsent;
  }
  bucket.next = bucket.head;
  retries_.emplace(now + bucket.pause, &bucket);
  bucket.pause = std::min(bucket.pause * 2, options_.pause_max);
}

void ImportOrder::end_trouble(Bucket& bucket) {
  bucket.holding = false;
  bucket.probing = false;
  bucket.given_up = false;
  make_ready(bucket);
}

void ImportOrder::settle_front(Bucket& bucket) {
  while (bucket.head != kNone) {
    const Id id = bucket.head;
    Item& item = items_[id];
    if (item.state != State::kOk && item.state != State::kFailed) return;
    settle(item);
    bucket.head = item.next;
    if (bucket.next == id) bucket.next = item.next;
    if (bucket.tail == id) bucket.tail = kNone;
    --used_;
    bytes_ -= item.bytes;
    item.record = {};
    free_.push_back(id);
  }
}

void ImportOrder::settle(Item& item) {
  if (!item.reported) return;
  Bucket& bucket = *item.bucket;
  if (item.status.ok()) {
    ++bucket.lines_stored;
    if (!std::exchange(bucket.stored, true)) ++buckets_stored_;
  }
  // "There is no such bucket" is not the reason when it could not be created.
  const bool for_lack_of_bucket = item.status.code() == StatusCode::kNotFound;
  const bool blame_create = for_lack_of_bucket && !bucket.create_error.ok();
  settled_.push_back({item.line, blame_create ? bucket.create_error : std::move(item.status)});
}

std::optional<ImportOrder::Settled> ImportOrder::next_settled() {
  if (settled_.empty()) return std::nullopt;
  Settled settled = std::move(settled_.front());
  settled_.pop_front();
  return settled;
}

std::optional<ImportOrder::Time> ImportOrder::next_retry() const {
  if (abandoned_ || retries_.empty()) return std::nullopt;
  return retries_.begin()->first;
}

void ImportOrder::abandon() {
  abandoned_ = true;
  for (auto& [name, bucket] : buckets_) {
    for (Id id = bucket.head; id != kNone; id = items_[id].next) {
      Item& item = items_[id];
      if (item.state == State::kAgain) item.state = State::kFailed;
      if (item.state != State::kUnsent) continue;
      item.state = State::kFailed;
      if (item.status.ok()) item.status = {StatusCode::kUnavailable, "interrupted; not sent"};
    }
    bucket.holding = false;
    settle_front(bucket);
  }
}

}  // namespace kvmesh::command
