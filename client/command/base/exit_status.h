#pragma once

#include <kvmesh/status.h>

/// How the command ends; kvmesh(1) says the same.
namespace kvmesh::command {

inline constexpr int kExitOk = 0;
inline constexpr int kExitMissingKey = 1;  // get: the bucket exists, the key does not
inline constexpr int kExitUnsound = 1;     // verify: the mesh is not sound
inline constexpr int kExitUsage = 2;       // wrong arguments, or a file that cannot be opened
inline constexpr int kExitIncomplete =
    3;  // import, export, buckets, info --mesh, bench: a part failed
inline constexpr int kExitStatusBase = 10;  // and the number of the status code
inline constexpr int kExitInterrupted = 130;

constexpr int exit_status(StatusCode code) {
  return code == StatusCode::kOk ? kExitOk : kExitStatusBase + static_cast<int>(code);
}

}  // namespace kvmesh::command
