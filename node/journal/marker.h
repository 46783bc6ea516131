#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "node/journal/files.h"

namespace kvmesh::journal {

/// How far the write-ahead log is known to be on the disk.
struct Durable {
  std::uint64_t group = 0;     // its number
  std::uint64_t sequence = 0;  // RocksDB's, of the last write of it

  friend bool operator==(const Durable&, const Durable&) = default;
};

// The file `durable`: says what RocksDB must come back with, so that no damage of its log is taken
// for the end of it. Never ahead of the log: it is written after the log was synced, and itself
// synced once a second. Two slots of 32 bytes, 4096 bytes apart:
//
//     0   "kvmesh1\0"          8   group (u64, big-endian)
//     16  sequence (u64)       24  CRC-64 of what is before
//
// The slot that is being written stays the same until it was synced, so at least the other one is
// whole after a power loss. The higher group counts.
//
// Thread-safe. After an error it must not be used any more.
class Marker {
 public:
  /// The content of the file when the log has come so far.
  static std::string content(const Durable& durable);
  /// None: neither slot is whole.
  static std::optional<Durable> read(std::string_view content);

  Marker(std::unique_ptr<InPlaceFile> file, const Durable& durable);

  /// Notes it, unless a sync is under way: then that notes it at its end.
  Status note(const Durable& durable);
  /// Syncs what was noted. Nothing was noted since the last one: does nothing.
  Status sync();

 private:
  Status write(const Durable& durable);

  std::unique_ptr<InPlaceFile> file_;
  std::mutex writing_;  // before noting_
  std::mutex noting_;
  Durable noted_;    // guarded by noting_
  Durable written_;  // of the current slot; guarded by writing_
  Durable synced_;   // the same
  unsigned slot_ = 0;
};

}  // namespace kvmesh::journal
