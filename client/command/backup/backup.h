#pragma once

#include <optional>
#include <string>

#include "client/command/base/session.h"
#include "common/routing_table.h"

namespace kvmesh::command {

struct BackupOptions {
  std::string folder;
  std::string of;  // only buckets of this node; empty: of all
  std::optional<ByteRange> range;
};

/// Says why a backup cannot be read; kExitUsage when there is none, kExitIncomplete when it is not
/// whole.
int end_unread(const Session& session, const Status& status);

// Each runs to its end, says what it found or did, and gives the exit status.

/// Writes what the mesh stores into a new folder.
int run_backup(Session& session, const BackupOptions& options);
/// Finds out, without a mesh, whether a backup is whole.
int check_backup(Session& session, const std::string& folder);

}  // namespace kvmesh::command
