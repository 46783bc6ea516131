#pragma once

#include <kvmesh/buckets.h>

#include <chrono>
#include <string>

#include "client/command/base/session.h"

namespace kvmesh::command {

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

/// Stores a backup in the mesh, wherever its tables lead; gives the exit status.
int run_restore(Session& session, const RestoreOptions& options);

}  // namespace kvmesh::command
