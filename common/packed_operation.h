#pragma once

#include <cstddef>
#include <string>

#include <kvmesh/operation.h>
#include <kvmesh/status.h>

#include "common/request.h"
#include "common/wire/buffer.h"

namespace kvmesh {

/// An Operation as a request that no node will take for malformed, with its arguments as msgpack. A
/// value that moves from the thread that asks to the one that has the core.
class PackedOperation {
 public:
  /// kInvalidArgument: no name of a node or a function. kTooLarge: a name or the whole is over its
  /// limit, or a value nests too deeply.
  static Result<PackedOperation> make(const Operation& operation, Timeout timeout);

  /// Valid as long as this stays where it is.
  RequestView view() const;

 private:
  PackedOperation() = default;

  Target::Kind target_ = Target::Kind::kHere;
  std::string name_;
  std::string function_;
  wire::Buffer body_;
  std::size_t args_at_ = 0;  // in body_
  std::uint64_t timeout_ms_ = 0;
  std::uint64_t flags_ = 0;
};

/// A reply for whoever asked with an Operation. A trace is left out.
Outcome outcome_of(const ReplyView& reply);

}  // namespace kvmesh
