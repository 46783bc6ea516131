#pragma once

#include <cstdint>
#include <string>

#include <kvmesh/operation.h>
#include <kvmesh/status.h>

#include "common/operation_codec.h"

namespace kvmesh {

/// An Operation as a request that no node will take for malformed, with its arguments as msgpack. A
/// value that moves from the thread that asks to the one that has the core.
class PackedOperation {
 public:
  /// Refuses what encode_request() does.
  static Result<PackedOperation> make(const Operation& operation, Timeout timeout);

  /// Valid as long as this stays where it is.
  RequestView view() const;

 private:
  PackedOperation() = default;

  std::string name_;
  std::string function_;
  EncodedRequest encoded_;
  std::uint64_t timeout_ms_ = 0;
  std::uint64_t flags_ = 0;
};

}  // namespace kvmesh
