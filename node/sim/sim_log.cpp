#include "node/sim/sim_log.h"

#include <algorithm>
#include <map>
#include <utility>

#include "node/store/answer_note.h"

namespace kvmesh::sim {

using journal::Change;

// What is left of each bucket when all changes are made again, in their order.
void SimDisk::restore(store::MemoryEngine& memory, TimePoint now) const {
  struct Bucket {
    std::string name;
    std::string meta;
    std::map<std::string, const Kept*> records;
    std::map<std::string, const Kept*> notes;
  };
  std::map<journal::BucketId, Bucket> buckets;
  store::Revision last = 0;
  for (const auto& group : groups_) {
    last = std::max(last, group.revision);
    for (const auto& kept : group.changes) {
      auto& bucket = buckets[kept.change.bucket];
      switch (kept.change.kind) {
        case Change::Kind::kBucket:
          bucket.name = kept.name;
          bucket.meta = kept.value;
          break;
        case Change::Kind::kDrop:
          buckets.erase(kept.change.bucket);
          break;
        case Change::Kind::kPut:
          bucket.records[kept.name] = &kept;
          break;
        case Change::Kind::kErase:
          bucket.records.erase(kept.name);
          break;
        case Change::Kind::kNote:
          bucket.notes[kept.name] = &kept;
          break;
        case Change::Kind::kForgetNote:
          bucket.notes.erase(kept.name);
          break;
      }
    }
  }
  for (const auto& [id, bucket] : buckets) {
    const auto options = store::read_options(bucket.meta);
    (void)memory.restore_bucket(bucket.name, id, options.value_or(store::BucketOptions{}));
    for (const auto& [key, kept] : bucket.records) {
      const auto& record = kept->change.record;
      (void)memory.restore_key(bucket.name, key, kept->value, {record.revision, record.expires_ms});
    }
    for (const auto& [name, kept] : bucket.notes) {
      if (const auto note = store::read_answer(kept->value)) {
        memory.restore_answer(bucket.name, name, note->answer, note->at);
      }
    }
  }
  memory.restored(last, now);
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
    groups.push_back(std::move(group));
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
