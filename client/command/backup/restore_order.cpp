#include "client/command/backup/restore_order.h"

#include <kvmesh/limits.h>

#include <algorithm>
#include <utility>

namespace kvmesh::command {

RestoreOrder::Bucket& RestoreOrder::bucket_of(const BackupBlock& block) {
  if (last_ != nullptr && last_->name == block.bucket) return *last_;
  if (last_ != nullptr && last_->items == 0) buckets_under_way_.erase(last_->name);
  auto& bucket = buckets_under_way_[block.bucket];
  bucket.name = block.bucket;
  bucket.state = block.page > 0      ? State::kOpen  // of a restore that is gone on with
                 : options_.replaces ? State::kToDrop
                                     : State::kToCreate;
  if (block.page > 0 && failed_before_.contains(block.bucket)) bucket.state = State::kFailed;
  if (bucket.state == State::kOpen) ++buckets_;
  last_ = &bucket;
  return bucket;
}

RestoreOrder::Id RestoreOrder::new_item(Bucket& bucket, Kind kind, BackupPlace place) {
  Id id = 0;
  if (free_.empty()) {
    id = static_cast<Id>(items_.size());
    items_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
    items_[id] = {};
  }
  items_[id].kind = kind;
  items_[id].bucket = &bucket;
  items_[id].place = place;
  places_.insert(place);
  ++bucket.items;
  ++items_used_;
  return id;
}

void RestoreOrder::add(BackupPlace place, BackupBlock block) {
  auto& bucket = bucket_of(block);
  if (bucket.state == State::kFailed) {
    failed_ += block.records.size();
    return;
  }
  if (block.page == 0) {
    const auto kind = bucket.state == State::kToDrop ? Kind::kDrop : Kind::kCreate;
    ready_.push_back(new_item(bucket, kind, place));
    items_[ready_.back()].options = block.options;
  }
  // Each with as many records as a request can hold.
  std::vector<BackupRecord> records;
  std::size_t bytes = 0;
  for (auto& record : block.records) {
    const auto more = record.key.size() + record.value.size();
    if (records.size() == limits::kApplyChangesMax || bytes + more > limits::kApplyBytesMax) {
      add_store(bucket, place, std::exchange(records, {}), std::exchange(bytes, 0));
    }
    bytes += more;
    records.push_back(std::move(record));
  }
  if (!records.empty()) add_store(bucket, place, std::move(records), bytes);
}

void RestoreOrder::add_store(Bucket& bucket, BackupPlace place, std::vector<BackupRecord> records,
                             std::size_t bytes) {
  const auto id = new_item(bucket, Kind::kStore, place);
  items_[id].records = std::move(records);
  items_[id].bytes = bytes;
  bytes_ += bytes;
  (bucket.state == State::kOpen ? ready_ : bucket.waiting).push_back(id);
}

std::optional<RestoreOrder::Id> RestoreOrder::next_to_send(Time now) {
  if (stopped_) return std::nullopt;
  while (!retries_.empty() && retries_.begin()->first <= now) {
    ready_.push_back(retries_.begin()->second);
    retries_.erase(retries_.begin());
  }
  while (!ready_.empty()) {
    const auto id = ready_.front();
    ready_.pop_front();
    if (items_[id].bucket->state == State::kFailed) {
      settle(id);
      continue;
    }
    ++in_flight_;
    return id;
  }
  return std::nullopt;
}

std::optional<RestoreOrder::Time> RestoreOrder::next_retry() const {
  if (retries_.empty() || stopped_) return std::nullopt;
  return retries_.begin()->first;
}

void RestoreOrder::on_outcome(Id id, const Status& status, Time now) {
  --in_flight_;
  auto& item = items_[id];
  auto& bucket = *item.bucket;
  if (is_transient(status.code())) return repeat(id, status, now);
  // Until its bucket is open, a drop or create is all that is under way. One that is to be replaced
  // need not be there.
  const bool is_fine =
      status.ok() || (item.kind == Kind::kDrop && status.code() == StatusCode::kNotFound);
  if (!is_fine) {
    give_up(bucket, status);
  } else if (item.kind == Kind::kDrop) {
    bucket.state = State::kToCreate;
    item.kind = Kind::kCreate;
    item.failing_since.reset();
    ready_.push_back(id);
    return;
  } else if (item.kind == Kind::kCreate) {
    opened(bucket);
  }
  settle(id);
}

void RestoreOrder::repeat(Id id, const Status& status, Time now) {
  auto& item = items_[id];
  if (!item.failing_since) {
    item.failing_since = now;
    item.pause = options_.pause_min;
  }
  if (now - *item.failing_since >= options_.retry_for) {
    if (given_up_.ok()) given_up_ = status;
    stopped_ = true;
  }
  const bool may_yet_drop =
      item.kind == Kind::kDrop && status.code() == StatusCode::kOutcomeUnknown;
  retries_.emplace(now + (may_yet_drop ? options_.timeout : item.pause), id);
  item.pause = std::min(item.pause * 2, options_.pause_max);
}

void RestoreOrder::opened(Bucket& bucket) {
  bucket.state = State::kOpen;
  ++buckets_;
  ready_.insert(ready_.end(), bucket.waiting.begin(), bucket.waiting.end());
  bucket.waiting.clear();
}

void RestoreOrder::give_up(Bucket& bucket, const Status& status) {
  if (bucket.state == State::kFailed) return;
  if (bucket.state == State::kOpen) --buckets_;
  bucket.state = State::kFailed;
  failures_.push_back({bucket.name, status});
  ready_.insert(ready_.end(), bucket.waiting.begin(), bucket.waiting.end());
  bucket.waiting.clear();
}

void RestoreOrder::settle(Id id) {
  auto& item = items_[id];
  auto& bucket = *item.bucket;
  if (bucket.state == State::kFailed) failed_ += item.records.size();
  places_.erase(places_.find(item.place));
  bytes_ -= item.bytes;
  --items_used_;
  item = {};
  free_.push_back(id);
  if (--bucket.items == 0 && &bucket != last_) buckets_under_way_.erase(bucket.name);
}

std::optional<RestoreOrder::Failure> RestoreOrder::next_failure() {
  if (failures_.empty()) return std::nullopt;
  auto out = std::move(failures_.front());
  failures_.pop_front();
  return out;
}

std::optional<BackupPlace> RestoreOrder::oldest() const {
  if (places_.empty()) return std::nullopt;
  return *places_.begin();
}

}  // namespace kvmesh::command
