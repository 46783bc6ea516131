#include "node/store/bucket.h"

#include <cstdlib>
#include <iterator>
#include <utility>

namespace kvmesh::store {

Bucket::~Bucket() {
  const auto bytes = record_bytes_ + records_.bytes() + bytes_empty(name_) + extras_bytes();
  extras_.reset();
  records_ = {};
  memory_.release(bytes);  // only now is it really free
}

std::uint64_t Bucket::bytes_empty(std::string_view name) {
  constexpr std::size_t kMallocBytes = 16;  // malloc's own and its rounding
  const auto inside = std::string().capacity();
  return sizeof(Bucket) + kMallocBytes +
         (name.size() > inside ? name.size() + 1 + kMallocBytes : 0);
}

const Record* Bucket::find(const HashedName& key, Moment now) const {
  const auto* record = records_.find(key);
  return record == nullptr || (*record)->has_expired(now) ? nullptr : record->get();
}

// The same, after it was removed if it has expired. Valid until the next change.
Record::Owner* Bucket::find_live(const HashedName& key, const Turn& turn, Removed& removed) {
  auto* record = records_.find(key);
  if (record == nullptr || !(*record)->has_expired(turn.now)) return record;
  removed.records.push_back(expire(key, turn));
  return nullptr;
}

// REQUIRES: room for an erase is reserved.
Record::Owner Bucket::expire(const HashedName& key, const Turn& turn) {
  rev_ = next_revision(rev_, turn.now);
  write_erase(key, turn);
  tell(Event::Kind::kExpire, key.name);
  return remove(key);
}

Status Bucket::put(const HashedName& key, std::string_view value, const Turn& turn,
                   Record::Owner& replaced) {
  if (turn.room != nullptr) {
    const auto bytes = journal::staged_bytes(key.name.size(), value.size()) +
                       journal::staged_bytes(key.name.size(), 0);
    if (auto status = turn.room->reserve(bytes); !status.ok()) return status;
  }
  auto* record = records_.find(key);
  if (record != nullptr && (*record)->has_expired(turn.now)) {
    replaced = expire(key, turn);
    record = nullptr;
  }
  const Life life{next_revision(rev_, turn.now), default_expiry(turn.now)};
  if (record == nullptr) {
    auto status = insert(key, value, life);
    if (!status.ok()) return status;
    rev_ = life.rev;
    write_put(key, value, life, turn);
    if (ring() != nullptr) tell_put(*find(key, turn.now));
    return status;
  }
  const auto before = (*record)->cost();
  const auto after = Record::cost(key.name.size(), value.size(), life.expires != kNever);
  if (after > before) {
    if (auto status = memory_.reserve(after - before); !status.ok()) return status;
  }
  replace(*record, key, value, life, replaced);
  rev_ = life.rev;
  write_put(key, value, life, turn);
  if (ring() != nullptr) tell_put(**record);
  return {};
}

Result<Record::Owner> Bucket::take(const HashedName& key, const Turn& turn) {
  if (turn.room != nullptr) {
    auto status = turn.room->reserve(journal::staged_bytes(key.name.size(), 0));
    if (!status.ok()) return status;
    saw_key(key, turn);
  }
  const auto* record = records_.find(key);
  if (record == nullptr) return Record::Owner{};
  if ((*record)->has_expired(turn.now)) return expire(key, turn);
  rev_ = next_revision(rev_, turn.now);
  write_erase(key, turn);
  tell(Event::Kind::kDelete, key.name);
  return remove(key);
}

// kFull when the memory bound is in the way, and then nothing was changed.
Status Bucket::insert(const HashedName& key, std::string_view value, Life life) {
  const bool expires = life.expires != kNever;
  const auto cost = Record::cost(key.name.size(), value.size(), expires);
  auto* const ordered = order();
  const Record* made = nullptr;
  auto status =
      records_.insert(memory_, key, cost + (ordered == nullptr ? 0 : KeyOrder::kBytes), [&] {
        auto record = Record::make(key.name, value, life);
        made = record.get();
        return record;
      });
  if (!status.ok()) return status;
  record_bytes_ += cost;
  if (expires) add_expiry(life.expires, key.hash);
  if (ordered != nullptr) ordered->added(*made, key.hash);
  return {};
}

// `value` may be the record's own. REQUIRES: what it costs more is reserved.
void Bucket::replace(Record::Owner& record, const HashedName& key, std::string_view value,
                     Life life, Record::Owner& replaced) {
  const auto before = record->cost();
  const auto expired_at = record->expires();
  const bool is_own = value.data() == record->value().data();
  if (record->has_room_for(value.size(), life.expires)) {
    is_own ? record->set_life(life) : record->set_value(value, life);
  } else {
    replaced = std::exchange(record, Record::make(key.name, value, life));
    if (auto* ordered = order()) ordered->moved(*record, key.hash);
  }
  const auto after = record->cost();
  if (after < before) memory_.release(before - after);
  record_bytes_ = record_bytes_ - before + after;
  if (expired_at == life.expires) return;
  if (expired_at != kNever) remove_expiry(expired_at, key.hash);
  if (life.expires != kNever) add_expiry(life.expires, key.hash);
}

Record::Owner Bucket::remove(const HashedName& key) {
  auto record = records_.take(memory_, key);
  if (!record) return nullptr;
  record_bytes_ -= record->cost();
  memory_.release(record->cost());
  if (record->expires() != kNever) remove_expiry(record->expires(), key.hash);
  if (auto* ordered = order()) {
    ordered->removed(*record, key.hash);
    memory_.release(KeyOrder::kBytes);
  }
  return record;
}

void Bucket::add_expiry(Moment at, std::uint64_t key_hash) {
  if (!expiries_) expiries_ = std::make_unique<Expiries>();
  expiries_->insert({at, key_hash});
}

void Bucket::remove_expiry(Moment at, std::uint64_t key_hash) {
  expiries_->erase(expiries_->find({at, key_hash}));
  if (expiries_->empty()) expiries_.reset();
}

std::size_t Bucket::do_due(const Turn& turn, std::size_t most, Removed& removed) {
  std::size_t count = 0;
  for (; count < most && expiries_ && expiries_->begin()->at <= turn.now; ++count) {
    const auto next = *expiries_->begin();
    const auto* record = records_.find_if(
        next.key_hash, [&](const Record& one) { return one.expires() == next.at; });
    if (record == nullptr) std::abort();  // each expiry has its record
    // The key's bytes live as long as the record.
    const HashedName key{(*record)->key(), next.key_hash};
    if (turn.room != nullptr &&
        !turn.room->reserve(journal::staged_bytes(key.name.size(), 0)).ok()) {
      return count;  // later; until then it is not there for anybody
    }
    removed.records.push_back(expire(key, turn));
  }
  if (count == 0) forget_old(turn, removed);
  return count;
}

bool Bucket::drain_some(std::vector<Record::Owner>& records) {
  record_bytes_ = 0;
  std::size_t expiring = 0;
  const bool more = records_.drain_some(memory_, [&](Record::Owner record) {
    if (record->expires() != kNever) ++expiring;
    records.push_back(std::move(record));
  });
  // As many as these had, whichever they are: to free all at once would take a second for some ten
  // million.
  if (expiring > 0) {
    auto last = expiries_->begin();
    std::advance(last, static_cast<std::ptrdiff_t>(expiring));
    expiries_->erase(expiries_->begin(), last);
  }
  return more;
}

}  // namespace kvmesh::store
