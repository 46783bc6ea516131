#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include "common/wire/buffer.h"

namespace kvmesh::client {

/// The body of a request (target, function and arguments) for `operation`, or why it is not worth
/// sending: kInvalidArgument for a missing or malformed name, kTooLarge for what is over its limit.
/// Pure.
Result<wire::Buffer> encode_request(const Operation& operation);

}  // namespace kvmesh::client
