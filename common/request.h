#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <kvmesh/status.h>

#include "common/names.h"

namespace kvmesh {

namespace security {
class Permit;
}

/// Whom a request is for.
struct Target {
  enum class Kind : std::uint8_t {
    kHere,    ///< the node that receives it
    kBucket,  ///< wherever the tables lead the bucket `name`
    kNode,    ///< the node called `name`
  };
  Kind kind = Kind::kHere;
  std::string_view name;
};

/// One argument of a request that is not packed yet.
struct ArgumentView {
  enum class Kind : std::uint8_t { kNil, kBytes, kNumber };
  Kind kind = Kind::kNil;
  std::string_view bytes;
  std::uint64_t number = 0;

  static ArgumentView of(std::string_view bytes) { return {Kind::kBytes, bytes, 0}; }
  static ArgumentView of(std::uint64_t number) { return {Kind::kNumber, {}, number}; }
};

/// A request as it stands at one hop, whether it came in a frame, as a text line or from a local
/// call. The views point into the bytes it came in (or the adapter's scratch buffer) and live until
/// the call that hands the request on returns. Only the routing fields are decoded: `path` and
/// `args` stay msgpack, and `body` is what a hop copies to the next one as it is. A request that
/// did not come packed has `words` instead of both, and is packed when it leaves for another node
/// (wire/record.h).
struct RequestView {
  static constexpr std::uint64_t kFlagTrace = 1;  // every hop adds a line to the reply's trace

  RequestId id;                  // given by whoever sent it to this node
  std::uint64_t timeout_ms = 0;  // what is left of its time; 0: it is late
  std::uint64_t flags = 0;       // unknown bits are passed on
  std::uint32_t hops = 0;        // nodes that it has passed
  std::string_view
      path;              // for each of them two strings: its name, and its table entry that matched
  std::string_view who;  // the principal that asks, as the next hop is told; empty: the sender
  // What it may do here; null: everything, as where there are no principals.
  const security::Permit* permit = nullptr;
  Target target;
  std::string_view function;  // "module.function"
  std::string_view args;      // one msgpack array
  std::string_view body;      // target, function and args as one run of msgpack; empty: not packed
  std::span<const ArgumentView> words;  // the arguments, when it is not; at most 15

  bool is_packed() const { return !body.empty(); }
  bool traced() const { return (flags & kFlagTrace) != 0; }
};

/// A reply as it stands at one hop; lifetimes as in RequestView.
struct ReplyView {
  RequestId id;
  std::uint32_t trace_hops = 0;
  std::string_view trace;  // trace_hops msgpack arrays, nearest node first
  StatusCode code = StatusCode::kOk;
  std::string_view text;    // for people; empty when code is kOk
  std::string_view result;  // one msgpack value; nil unless code is kOk
  std::optional<std::string_view>
      bytes;              // the result instead, when it is bytes that are not packed
  std::string_view body;  // code, text and result as one run of msgpack; empty when not encoded yet
};

}  // namespace kvmesh
