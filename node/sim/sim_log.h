#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/deadline.h"
#include "node/store/change_log.h"
#include "node/store/memory_engine.h"

namespace kvmesh::sim {

/// What a log has on its disk; it outlives the node. Of one thread.
class SimDisk {
 public:
  /// What is there when all changes are made again, in their order.
  struct Content {
    struct Record {
      std::string value;
      store::Revision rev = 0;
      store::Moment expires = store::kNever;
    };
    struct Bucket {
      journal::BucketId id = 0;
      std::string meta{};
      std::map<std::string, Record> records;
      std::map<std::string, std::string> notes;
    };
    std::map<std::string, Bucket> buckets;  // by name
    store::Revision last = 0;               // of all changes
  };
  Content content() const;
  /// Gives all that is there to an engine, at the start of a node.
  void restore(store::MemoryEngine& memory, TimePoint now) const;
  /// The node ends. Of what was written and not synced yet, these many of the first groups are
  /// there all the same; the others are gone.
  void crash(std::size_t groups_kept);
  std::size_t unsynced() const { return groups_.size() - synced_; }

 private:
  friend class SimLog;
  // A change with a name and a value of its own.
  struct Kept {
    journal::Change change;
    std::string name;
    std::string value;
  };
  // What was written together: all of it is there, or none.
  struct Group {
    std::vector<Kept> changes;
    store::Revision revision = 0;
    TimePoint synced_at{};
  };

  std::vector<Group> groups_;
  std::size_t synced_ = 0;  // so many of the first are safe
  journal::BucketId buckets_ = 0;
};

/// A log whose disk takes its time, in the caller's time, and may fail: for tests and the
/// simulation. Deterministic; of one thread.
class SimLog final : public store::ChangeLog {
 public:
  struct Options {
    std::function<TimePoint()> clock;
    /// How long the disk takes for what is written now.
    std::function<std::chrono::microseconds()> until_synced = [] {
      return std::chrono::microseconds{0};
    };
    /// Told when what was written just now will be safe; a failure may come before.
    std::function<void(TimePoint)> syncs = [](TimePoint) {};
    /// Bytes that may be written and not synced yet.
    std::size_t queue_bytes_max = std::size_t{64} << 20;
  };
  SimLog(std::shared_ptr<SimDisk> disk, Options options);

  journal::BucketId new_bucket() override { return ++disk_->buckets_; }
  std::unique_ptr<store::LogRoom> room(store::KeyPlaces& places) override;
  store::Place durable() const override;
  bool has_failed() const override { return failed_; }
  std::optional<std::string> failure() const override;

  /// A sync fails: nothing is stored from now on, and what was not synced may be there or not.
  void fail() { failed_ = true; }

 private:
  class Room;
  void sync() const;

  std::shared_ptr<SimDisk> disk_;
  Options options_;
  std::size_t before_;  // groups that were there at the start
  mutable std::size_t queued_ = 0;
  bool failed_ = false;
};

}  // namespace kvmesh::sim
