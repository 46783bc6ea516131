#pragma once

#include <cstddef>
#include <string_view>

#include <kvmesh/limits.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include "common/wire/buffer.h"

/// Values as msgpack and back. What is packed here, every node's Reader::skip() accepts. Pure
/// functions.
namespace kvmesh::wire {

/// Appends `value`. kTooLarge when containers nest deeper than limits::kNestingMax or hold more
/// than limits::kValueItemsMax elements together, or one text or bytes alone has more than
/// `bytes_max`, the limit of the whole, which is the caller's to check; `out` then ends in the
/// middle of a value.
Status pack_value(Buffer& out, const Value& value, std::size_t bytes_max = limits::kRecordBytesMax);
/// The same for a list, such as the arguments of a call.
Status pack_value(Buffer& out, const Value::List& list,
                  std::size_t bytes_max = limits::kRecordBytesMax);

/// The one value that `bytes` hold. kProtocolError when they are not exactly one well-formed value
/// within those limits, with only text as keys of maps, and no extension types. Total, and what it
/// allocates is bounded by the bytes that are there.
Result<Value> unpack_value(std::string_view bytes);

}  // namespace kvmesh::wire
