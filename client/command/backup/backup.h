#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "client/command/backup/backup_reader.h"
#include "client/command/base/session.h"
#include "common/routing_table.h"

namespace kvmesh::command {

struct BackupOptions {
  std::string folder;
  std::string of;  // only buckets of this node; empty: of all
  std::optional<RouteRange> range;
};

struct RestoreOptions {
  enum class Mode : std::uint8_t {
    kIfAbsent,  ///< keys that are there stay as they are
    kIfNewer,   ///< those of a smaller revision do not
    kReplace,   ///< each bucket of the backup is dropped first
  };
  std::string folder;
  Mode mode = Mode::kIfAbsent;
  bool resumes = false;
  std::chrono::milliseconds retry_for{10'000};
};

/// Reads all of a backup, with its progress on the terminal: BackupReader::check().
Status check_shown(BackupReader& backup);
/// Says why a backup cannot be read; kExitUsage when there is none, kExitIncomplete when it is not
/// whole.
int end_unread(const Session& session, const Status& status);

// Each runs to its end, says what it found or did, and gives the exit status.

/// Writes what the mesh stores into a new folder.
int run_backup(Session& session, const BackupOptions& options);
/// Finds out, without a mesh, whether a backup is whole.
int check_backup(Session& session, const std::string& folder);
/// Stores a backup in the mesh, wherever its tables lead.
int run_restore(Session& session, const RestoreOptions& options);

}  // namespace kvmesh::command
