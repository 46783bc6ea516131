#pragma once

#include <kvmesh/status.h>

namespace kvmesh::command {

/// Whether a failure may be over when a request is made again, which is for requests that have the
/// same effect twice as once: those that read, and those of an import.
constexpr bool may_pass(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kOverloaded ||
         code == StatusCode::kDeadlineExceeded || code == StatusCode::kOutcomeUnknown;
}

}  // namespace kvmesh::command
