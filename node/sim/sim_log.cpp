#include "node/sim/sim_log.h"

#include <algorithm>
#include <utility>

#include "node/store/answer_note.h"

namespace kvmesh::sim {

using journal::Change;

SimDisk::Content SimDisk::content() const {
  std::map<journal::BucketId, std::pair<std::string, Content::Bucket>> buckets;
  Content out;
  for (const auto& group : groups_) {
    out.last = std::max(out.last, group.revision);
    for (const auto& kept : group.changes) {
      const auto& record = kept.change.record;
      auto& [name, bucket] = buckets[kept.change.bucket];
      switch (kept.change.kind) {
        case Change::Kind::kBucket:
          name = kept.name;
          bucket.meta = kept.value;
          break;
        case Change::Kind::kDrop:
          buckets.erase(kept.change.bucket);
          break;
        case Change::Kind::kPut:
          bucket.records[kept.name] = {kept.value, record.revision, record.expires_ms};
          break;
        case Change::Kind::kErase:
          bucket.records.erase(kept.name);
          break;
        case Change::Kind::kNote:
          bucket.notes[kept.name] = kept.value;
          break;
        case Change::Kind::kForgetNote:
          bucket.notes.erase(kept.name);
          break;
      }
    }
  }
  for (auto& [id, named] : buckets) {
    named.second.id = id;
    out.buckets.emplace(std::move(named.first), std::move(named.second));
  }
  return out;
}

void SimDisk::restore(store::MemoryEngine& memory, TimePoint now) const {
  const auto all = content();
  for (const auto& [bucket, held] : all.buckets) {
    const auto options = store::read_options(held.meta);
    (void)memory.restore_bucket(bucket, held.id, options.value_or(store::BucketOptions{}));
    for (const auto& [key, record] : held.records) {
      (void)memory.restore_key(bucket, key, record.value, {record.rev, record.expires});
    }
    for (const auto& [name, bytes] : held.notes) {
      if (const auto note = store::read_answer(bytes)) {
        memory.restore_answer(bucket, name, note->answer, note->at);
      }
    }
  }
  memory.restored(all.last, now);
}

void SimDisk::crash(std::size_t groups_kept) {
  groups_.resize(std::min(groups_.size(), synced_ + groups_kept));
  synced_ = groups_.size();
}

class SimLog::Room final : public store::LogRoom {
 public:
  Room(SimLog& log, store::KeyPlaces& places) : LogRoom(places), log_(log) {}

  Status reserve(std::size_t bytes) override {
    if (log_.failed_) {
      return {StatusCode::kUnavailable, "the journal failed: the disk does not answer"};
    }
    log_.sync();
    const auto most = std::max(reserved_, bytes);
    if (log_.queued_ + most > log_.options_.queue_bytes_max) {
      return {StatusCode::kOverloaded, "the journal has too much to write"};
    }
    reserved_ = most;
    return {};
  }
  void flush() override { reserved_ = 0; }

 private:
  store::Place append(std::span<const Change> changes, store::Revision revision) override {
    SimDisk::Group group;
    group.revision = revision;
    std::size_t bytes = 0;
    for (const auto& change : changes) {
      bytes += journal::staged_bytes(change.name.size(), change.record.value.size());
      group.changes.push_back({change, std::string{change.name}, std::string{change.record.value}});
    }
    if (bytes > reserved_) std::abort();
    reserved_ -= bytes;
    log_.queued_ += bytes;
    auto& groups = log_.disk_->groups_;
    group.synced_at = log_.options_.clock() + log_.options_.until_synced();
    if (log_.disk_->unsynced() > 0)
      group.synced_at = std::max(group.synced_at, groups.back().synced_at);
    const auto synced_at = group.synced_at;
    groups.push_back(std::move(group));
    log_.options_.syncs(synced_at);
    return groups.size() - log_.before_;
  }

  SimLog& log_;
  std::size_t reserved_ = 0;
};

SimLog::SimLog(std::shared_ptr<SimDisk> disk, Options options)
    : disk_(std::move(disk)), options_(std::move(options)), before_(disk_->groups_.size()) {}

std::unique_ptr<store::LogRoom> SimLog::room(store::KeyPlaces& places) {
  return std::make_unique<Room>(*this, places);
}

void SimLog::sync() const {
  if (failed_) return;
  auto& synced = disk_->synced_;
  const auto now = options_.clock();
  while (synced < disk_->groups_.size() && disk_->groups_[synced].synced_at <= now) ++synced;
  if (synced == disk_->groups_.size()) queued_ = 0;
}

store::Place SimLog::durable() const {
  sync();
  return disk_->synced_ - std::min(disk_->synced_, before_);
}

std::optional<std::string> SimLog::failure() const {
  if (!failed_) return std::nullopt;
  return "the disk does not answer";
}

}  // namespace kvmesh::sim
