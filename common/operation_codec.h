#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <kvmesh/limits.h>
#include <kvmesh/operation.h>
#include <kvmesh/status.h>

#include "common/request.h"
#include "common/wire/buffer.h"

/// Between what a program says and what travels: for the client library and for tasks. Pure
/// functions.
namespace kvmesh {

/// A timeout as it is given to a request: from nothing to limits::kTimeoutMax.
inline std::chrono::milliseconds bounded(Timeout timeout) {
  return std::clamp(timeout.duration, std::chrono::milliseconds{0}, limits::kTimeoutMax);
}

struct EncodedRequest {
  wire::Buffer body;  // target, function and arguments
  Target::Kind target = Target::Kind::kHere;
  std::size_t args_at = 0;  // where in the body the arguments begin
};

/// The request for `operation`, or why it is not worth sending: kInvalidArgument for a missing or
/// malformed name, kTooLarge for what is over its limit or nests too deeply.
Result<EncodedRequest> encode_request(const Operation& operation);

/// A reply, decoded. A result that cannot be decoded ends as kOutcomeUnknown: the call was
/// executed, and no other code may say so.
Outcome outcome_of(const ReplyView& reply);

}  // namespace kvmesh
