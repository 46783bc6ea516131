#pragma once

#include <kvmesh/status.h>
#include <sodium.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/backup/backup_block.h"
#include "client/command/backup/files.h"
#include "client/command/backup/manifest.h"

namespace kvmesh::command {

/// Writes a backup into a folder of its own. Until finish() it has no manifest, so that nothing
/// takes it for whole. Failures name the file and what the system says. One thread.
class BackupWriter {
 public:
  /// A file is ended when it is longer.
  static constexpr std::uint64_t kFileBytes = std::uint64_t{1} << 30;

  /// Makes the folder; one that is empty will do. kInvalidArgument when it holds something.
  static Result<BackupWriter> create(std::string folder, std::uint64_t file_bytes = kFileBytes);

  Status add(const BackupBlock& block);
  /// All of it is on the disk. Fills in what the manifest says of files and revisions.
  Status finish(Manifest manifest);

  std::uint64_t buckets() const { return written_.buckets() + file_.buckets; }
  std::uint64_t records() const { return written_.records() + file_.records; }

 private:
  BackupWriter(std::string folder, std::uint64_t file_bytes)
      : folder_(std::move(folder)), file_bytes_(file_bytes) {}
  Status begin_file();
  Status end_file();
  Status flush();
  Status write(std::string_view bytes);

  std::string folder_;
  std::uint64_t file_bytes_;
  Manifest written_;  // its files that are ended
  OwnedFile descriptor_;
  Manifest::File file_;  // the one that is written
  crypto_hash_sha256_state sha256_{};
  std::string buffer_;
};

/// The first line of each file.
inline constexpr std::string_view kFileHead = "kvmesh backup 1\n";

}  // namespace kvmesh::command
