#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <kvmesh/status.h>

#include "node/journal/change.h"
#include "node/journal/loader.h"
#include "node/journal/record_format.h"

namespace rocksdb {
class FileSystem;
}

namespace kvmesh::journal {

class Staging;

enum class Durability : std::uint8_t {
  kAlways,       ///< durable() rises when a group is on the disk: nothing is lost in a power loss
  kEverySecond,  ///< when the system has it, which is on the disk a second later: nothing is lost
                 ///< when the process ends, up to a second in a power loss
};

struct Options {
  std::string state_dir;  ///< made when it does not exist; its parent must
  std::string node;       ///< the node's name; a folder of another one is refused
  Durability durability = Durability::kAlways;
  std::size_t queue_bytes_max = std::size_t{64} << 20;  ///< reserved, staged and being written
  std::size_t group_bytes_max = std::size_t{4} << 20;   ///< one append may be larger
  std::size_t memtable_bytes = std::size_t{64} << 20;   ///< at most six of them at once
  std::chrono::milliseconds sync_interval{1000};        ///< the second of kEverySecond
  /// Goes on without acknowledged groups that are missing, and writes that down in `losses`.
  bool accept_loss = false;
  /// For tests: what all files but `lock` and RocksDB's own log are written through.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

/// How the journal does. Times are measured by the monotonic clock.
struct Statistics {
  std::uint64_t groups = 0;                 ///< written since the folder was made
  std::uint64_t last_group_operations = 0;  ///< appends in the last one
  std::uint64_t last_group_bytes = 0;
  std::chrono::microseconds last_sync{0};     ///< kAlways: the last write of a group, synced
  std::chrono::microseconds longest_sync{0};  ///< since the journal was opened
  std::size_t queued_bytes = 0;
  std::chrono::milliseconds oldest_unsynced{0};  ///< its age; 0: all is on the disk
  std::uint64_t bytes_on_disk = 0;               ///< tables and logs, a second ago
};

/// Room in the queue, for one or several appends. When it ends it gives back what was not used,
/// and wakes the journal thread if something was appended: so it should end soon, and outside of
/// locks. Must not outlive its journal. One thread at a time.
class Reservation {
 public:
  Reservation(Reservation&& other) noexcept
      : staging_(std::exchange(other.staging_, nullptr)),
        left_(other.left_),
        appended_(other.appended_) {}
  Reservation& operator=(Reservation&&) = delete;
  ~Reservation();

 private:
  friend class Journal;
  Reservation(Staging& staging, std::size_t bytes) : staging_(&staging), left_(bytes) {}

  Staging* staging_;
  std::size_t left_;
  bool appended_ = false;
};

/// What outlives a node: all changes of its buckets, in the order in which they were appended. A
/// thread writes what came together as one group, all or nothing, while the next group gathers.
///
/// Promise: what durable() has reached is there at the next open(), or open() refuses; with
/// kEverySecond a power loss may take what was not synced yet. What is there is whole appends, from
/// the first on, without a gap; it may be more than durable() reached.
///
/// Thread-safe but for open(), close() and the destructor.
class Journal {
 public:
  /// Opens the folder, gives all that it has to `loader`, and begins. Blocks; the load takes about
  /// half a second for each million keys. `on_change` is called on a thread of the journal when
  /// durable() has risen (once a group), and once when the journal has failed, perhaps on two
  /// threads at a time. It must be quick and must not call close(); it may come before open()
  /// returns. A child of fork() must not use the journal, and holds the folder's lock until it
  /// calls exec.
  ///
  /// Errors are kUnavailable or kInternal, or the loader's own. Each text names the folder, says
  /// what is wrong and what to do: in use (with the process id), another node's, unknown format, no
  /// state folder, cannot be read or written, full disk, files damaged or missing, acknowledged
  /// groups missing. After an error nothing in the folder has changed; exceptions are a new folder
  /// that could not be filled, and a disk that fails during the opening itself, which loses
  /// nothing.
  static Result<std::unique_ptr<Journal>> open(const Options& options, Loader& loader,
                                               std::function<void()> on_change);
  ~Journal();  // close()
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const Recovered& recovered() const;
  /// A number for a new bucket; never given before in this folder, if a Change with it was durable.
  BucketId new_bucket();

  /// Room for appends of together `bytes` (staged_bytes() of each change), asked for before
  /// anything is changed in memory. kOverloaded: the queue is full; the caller may try later.
  /// kUnavailable: the journal has failed or is closed; the text says why. Some nanoseconds.
  Result<Reservation> reserve(std::size_t bytes);
  /// Has this reservation hold at least so many bytes, or it stays as it is.
  Status reserve_at_least(Reservation& room, std::size_t bytes);
  /// Takes the changes of one operation: all of them become durable, or none. `revision` is the
  /// highest of the operation; recovered().revision is the highest of all. Some tens of
  /// nanoseconds, so that it can be called under the lock that orders operations. REQUIRES:
  /// staged_bytes() of the changes is reserved and not used by an earlier append; aborts otherwise.
  Sequence append(Reservation& room, std::span<const Change> changes, std::uint64_t revision);

  /// Appends up to this one will be there after what Durability says. Never goes back. 0: none.
  Sequence durable() const;
  /// Why nothing becomes durable any more; nothing is tried again. Appends above durable() may or
  /// may not be there after a restart. None: it works.
  std::optional<std::string> failure() const;
  bool has_failed() const;

  Statistics statistics() const;
  /// Writes and syncs what was appended, and unlocks the folder. OK: all of it is on the
  /// disk. A second call does nothing. REQUIRES: no reservation is left.
  Status close();

 private:
  class Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvmesh::journal
