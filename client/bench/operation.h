#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh::bench {

/// One of the puts of an apply.
struct KeyedValue {
  std::string key;
  std::string value;
};

/// One request of the load, before a protocol turns it into bytes. Views live until the next
/// operation is made.
struct Operation {
  enum class Kind : std::uint8_t { kCreate, kPut, kGet, kCall, kDrop, kApply };
  Kind kind = Kind::kGet;
  std::uint64_t number =
      0;  // of the key among all keys, of kApply the first; of the bucket for kCreate and kDrop
  std::string_view bucket;             // not for kCall, which has nothing but its kind
  std::string_view key;                // of kPut and kGet
  std::string_view value;              // of kPut
  std::span<const KeyedValue> puts{};  // of kApply: each of another key
};

/// One reply, after a protocol has read it and found its form right.
struct Reply {
  enum class Kind : std::uint8_t {
    kDone,     ///< a create, put or call was executed
    kValue,    ///< a get found `value`
    kMissing,  ///< a get found nothing
    kEcho,     ///< a constant or an echo: that it came is all there is to check
    kFailed,   ///< it ended with `code`; `value` is the text
  };
  std::uint32_t tag = 0;  // the request's
  Kind kind = Kind::kDone;
  std::string_view value;
  StatusCode code = StatusCode::kOk;
};

}  // namespace kvmesh::bench
