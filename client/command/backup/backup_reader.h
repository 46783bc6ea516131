#pragma once

#include <kvmesh/status.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "client/command/backup/backup_block.h"
#include "client/command/backup/backup_writer.h"
#include "client/command/backup/manifest.h"

namespace kvmesh::command {

/// Where a block begins.
struct BackupPlace {
  std::uint64_t file = 0;  // of the manifest's, from 0
  std::uint64_t offset = 0;

  friend auto operator<=>(const BackupPlace&, const BackupPlace&) = default;
};

/// Reads a backup, block after block. Failures name the file. One thread.
class BackupReader {
 public:
  /// Of a folder in which a backup was finished; kInvalidArgument when none was, or its manifest is
  /// damaged, kUnavailable when that cannot be read.
  static Result<BackupReader> open(std::string folder);

  const Manifest& manifest() const { return manifest_; }

  /// Reads all files, from the first on, and finds out whether they are what the manifest says, to
  /// the last byte. kInvalidArgument: something is damaged or missing. `on_bytes` is called now and
  /// then with the bytes that were read; false breaks off, as kCancelled.
  Status check(const std::function<bool(std::uint64_t)>& on_bytes);

  /// The next block is read from there; kInvalidArgument when there is no such place.
  Status go_to(BackupPlace place);
  /// Where the next block begins.
  BackupPlace place() const { return place_; }
  /// Bytes of all files before it.
  std::uint64_t bytes_before() const;
  /// Empty: that was all.
  Result<std::optional<BackupBlock>> next();

 private:
  BackupReader(std::string folder, Manifest manifest)
      : folder_(std::move(folder)), manifest_(std::move(manifest)) {}
  std::string path() const;
  // With the file's name, and what to do.
  Status damaged(const std::string& what) const;
  Status open_file();
  Status check_file();
  // So many bytes of the file; fewer only at its end.
  Result<std::string_view> read(std::size_t bytes);

  std::string folder_;
  Manifest manifest_;
  BackupPlace place_;
  OwnedFile file_;  // the one of place_, if it is open
  std::string buffer_;
  std::size_t used_ = 0;  // of the buffer
  bool hashes_ = false;
  crypto_hash_sha256_state sha256_{};
};

}  // namespace kvmesh::command
