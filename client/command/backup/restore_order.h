#pragma once

#include <kvmesh/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "client/command/backup/backup_block.h"
#include "client/command/backup/backup_reader.h"

namespace kvmesh::command {

/// What of a restore is to be sent when, so that many requests are under way at once.
///
/// A bucket is made before its first records are sent; to be replaced, it is dropped before that.
/// Records of one bucket are all of other keys, so their order does not matter, and each request
/// may be repeated. What fails for a passing reason is repeated with growing pauses. When that goes
/// on for `retry_for`, nothing more is sent: the rest is for a later restore, which goes on at
/// oldest(). Any other failure is one of the bucket, which is given up; the others go on.
///
/// Memory: the window, and the buckets in it. No clock, no I/O; one thread.
class RestoreOrder {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Id = std::uint32_t;
  enum class Kind : std::uint8_t { kDrop, kCreate, kStore };

  struct Options {
    std::size_t requests_max = 256;
    std::size_t bytes_max = std::size_t{16} << 20;
    std::chrono::milliseconds retry_for{10'000};
    std::chrono::milliseconds pause_min{20};
    std::chrono::milliseconds pause_max{1000};
    bool replaces = false;
    /// The time of a request: for so long a drop whose outcome is unknown may yet be executed.
    std::chrono::milliseconds timeout{5000};
  };
  struct Failure {
    std::string bucket;
    Status status;
  };

  explicit RestoreOrder(Options options) : options_(options) {}

  /// Whether one more block may be added; the window is exceeded by at most that one.
  bool has_room() const {
    return items_used_ < options_.requests_max && bytes_ < options_.bytes_max;
  }
  /// A bucket that an earlier restore has given up: none of its blocks that come is stored, unless
  /// they begin it anew.
  void fail(const std::string& bucket) { failed_before_.insert(bucket); }
  /// The next block of the backup, which stands at `place`. Its first page makes the bucket.
  void add(BackupPlace place, BackupBlock block);

  /// A request to send now, of those that may be sent. Each is answered by one call of
  /// on_outcome().
  std::optional<Id> next_to_send(Time now);
  Kind kind(Id id) const { return items_[id].kind; }
  const std::string& bucket(Id id) const { return items_[id].bucket->name; }
  /// With what kCreate makes the bucket.
  const BucketOptions& options(Id id) const { return items_[id].options; }
  /// What kStore stores. Valid until on_outcome() of the same request.
  std::span<const BackupRecord> records(Id id) const { return items_[id].records; }
  void on_outcome(Id id, const Status& status, Time now);

  /// When next_to_send() will have a request again although nothing else happens; empty: never.
  std::optional<Time> next_retry() const;
  std::size_t in_flight() const { return in_flight_; }
  /// All that was added is settled.
  bool is_idle() const { return items_used_ == 0; }
  /// Sends nothing more; what is under way is not repeated.
  void stop() { stopped_ = true; }
  /// Why nothing more is sent: somebody has been away for too long. OK: that is not so.
  const Status& given_up() const { return given_up_; }

  /// A bucket that was given up, each once.
  std::optional<Failure> next_failure();
  /// Records of such buckets.
  std::uint64_t failed() const { return failed_; }
  /// Of the blocks that are not settled; empty: all are.
  std::optional<BackupPlace> oldest() const;
  /// Buckets that were made, or gone on with, and are not given up.
  std::uint64_t buckets() const { return buckets_; }

 private:
  enum class State : std::uint8_t { kToDrop, kToCreate, kOpen, kFailed };
  struct Bucket {
    std::string name;
    State state = State::kToCreate;
    std::deque<Id> waiting;  // until it is open
    std::size_t items = 0;   // that are not settled
  };
  struct Item {
    Kind kind = Kind::kStore;
    Bucket* bucket = nullptr;
    BackupPlace place;
    BucketOptions options;
    std::vector<BackupRecord> records;
    std::size_t bytes = 0;
    std::optional<Time> failing_since;
    std::chrono::milliseconds pause{0};
  };

  Bucket& bucket_of(const BackupBlock& block);
  Id new_item(Bucket& bucket, Kind kind, BackupPlace place);
  void add_store(Bucket& bucket, BackupPlace place, std::vector<BackupRecord> records,
                 std::size_t bytes);
  void repeat(Id id, const Status& status, Time now);
  void give_up(Bucket& bucket, const Status& status);
  void opened(Bucket& bucket);
  void settle(Id id);

  Options options_;
  std::vector<Item> items_;
  std::vector<Id> free_;
  std::map<std::string, Bucket> buckets_under_way_;
  Bucket* last_ = nullptr;  // of the block that came last: more of it may come
  std::deque<Id> ready_;
  std::multimap<Time, Id> retries_;
  std::multiset<BackupPlace> places_;  // of all items
  std::deque<Failure> failures_;
  std::set<std::string> failed_before_;
  std::size_t items_used_ = 0;
  std::size_t bytes_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t buckets_ = 0;
  Status given_up_;
  bool stopped_ = false;
};

}  // namespace kvmesh::command
