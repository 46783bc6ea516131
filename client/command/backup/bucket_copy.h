#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "client/command/backup/backup_block.h"
#include "client/command/backup/backup_writer.h"
#include "client/command/base/session.h"

namespace kvmesh::command {

/// Records of a page of a scan, as they are kept. `now_ms`: when it came, since 1970.
std::vector<BackupRecord> records_of(ScanPage&& page, std::int64_t now_ms);

/// Copies buckets that have more than a page, each as it is at one instant, while they are changed:
/// their changes are followed from before the first page to after the last. The pages wait in a
/// file of the backup's folder, without a name, until it is known how to put them right.
/// One thread.
class BucketCopy {
 public:
  /// What a node is asked to gather in one go: others wait for so long.
  static constexpr std::uint32_t kPageRecords = 200;

  /// `client`: over which is read. Outlived by both.
  BucketCopy(Session& session, Client& client, std::string folder)
      : session_(session), client_(client), folder_(std::move(folder)) {}

  /// Adds all of it to the backup. kNotFound: it is gone, and nothing was added; nor was it after
  /// any other failure of a node. kUnavailable, naming the file, when `disk_failed()`.
  Status copy(const std::string& bucket, const BucketOptions& options, BackupWriter& to);
  /// Whether the last failure was one of the disk here, and not of the mesh.
  bool disk_failed() const { return disk_failed_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  // Whether it was possible: else so much changes that the node could not tell all.
  Result<bool> try_copy(const std::string& bucket, const BucketOptions& options, BackupWriter& to);
  Status open_spool();
  Status spool(const BackupBlock& page);
  Result<BackupBlock> next_spooled();
  Status disk_fault(Status status);

  Session& session_;
  Client& client_;
  std::string folder_;
  std::unique_ptr<std::FILE, CloseFile> spool_;
  bool disk_failed_ = false;
};

}  // namespace kvmesh::command
