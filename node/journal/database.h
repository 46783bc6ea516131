#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <kvmesh/status.h>

#include "node/journal/layout.h"
#include "node/journal/loader.h"
#include "node/journal/staging.h"

namespace rocksdb {
class FileSystem;
}

namespace kvmesh::journal {

// RocksDB, as the journal uses it: written in groups, read once, at the start.
class Database {
 public:
  struct Place {
    std::string folder;
    std::shared_ptr<rocksdb::FileSystem> system;
    std::size_t memtable_bytes = 0;
  };

  /// What a folder would come back with; changes nothing in it. Refused when any table is damaged.
  struct Found {
    std::uint64_t sequence = 0;
    GroupRecord group;  // read only when the sequence is below `enough`: that takes time
  };
  static Result<Found> look(const Place& place, std::uint64_t enough);

  /// `create`: in an empty folder. `failed` is told, on any thread, when RocksDB fails by itself,
  /// in a flush or compaction; once or several times, until the object ends.
  static Result<std::unique_ptr<Database>> open(const Place& place, bool create,
                                                std::function<void(const std::string&)> failed);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const GroupRecord& group() const { return group_; }
  /// Everything, in the order that Loader says; counts in `recovered`.
  Status load(Loader& loader, Recovered& recovered);
  /// After loading: tables are merged from now on.
  Status begin();

  /// One group: add() its chunks, then write(). One thread.
  void add(const Chunk& chunk);
  /// All or nothing, over a crash too. `sync`: it is on the disk then.
  Status write(const GroupRecord& group, bool sync);
  /// RocksDB's number of the last write. Any thread.
  std::uint64_t sequence() const;
  /// What was written is on the disk. Any thread.
  Status sync();

  /// Any thread.
  std::uint64_t bytes_on_disk() const;
  /// Moves what only the log has into tables, so that the next start needs no replay.
  Status flush();

 private:
  struct Parts;
  explicit Database(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
  GroupRecord group_;
};

}  // namespace kvmesh::journal
