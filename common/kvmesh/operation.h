#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

namespace kvmesh {

/// How long a call may take, from when it is made. The time that is left travels with the request,
/// and a node that receives it too late does not execute it. Zero or less: it is over already; more
/// than limits::kTimeoutMax counts as that.
/// A call that was sent may end up to 0.1 s later: the node's answer that its time is over says
/// more than the client's.
struct Timeout {
  std::chrono::milliseconds duration = limits::kTimeoutDefault;
  Timeout() = default;
  template <typename Rep, typename Period>
  Timeout(std::chrono::duration<Rep, Period>
              d)  // NOLINT: implicit on purpose, so that `5s` may be written
      : duration(std::chrono::duration_cast<std::chrono::milliseconds>(d)) {}
};

/// One call: a function's name, whom it is for, and its arguments. Build it with the functions of
/// kvmesh::ops, or by hand for functions of your own modules.
struct Operation {
  enum class For : std::uint8_t {
    kHere,    ///< the node that the client is connected to
    kBucket,  ///< wherever the mesh routes the bucket `name`
    kNode,  ///< the node called `name`: the connected node, a peer of it, or one that its settings
            ///< reach through a peer (via)
  };
  For target = For::kHere;
  std::string name;
  std::string function;  // "module.function"
  std::vector<Value> args;
  bool trace = false;
};

/// One node's part in a traced call. Its times are measured by that node alone, so that clocks of
/// different nodes do not matter: `elapsed` is `queued`, `executed`, and, when the call was passed
/// on, the `elapsed` of the next hop and the way there and back.
struct Hop {
  std::string node;
  std::string entry;  // the table entry that matched; empty when the call was not for a bucket
  std::string
      next;  // the node that it was passed to, or this node itself when it was executed here
  std::chrono::microseconds elapsed{0};   // between the call's arrival at this node and its reply
  std::chrono::microseconds executed{0};  // of those, in the function
  std::chrono::microseconds queued{0};    // of those, waiting for its turn, or to be sent on
  std::uint64_t link = 0;  // which connection to `next` since the node's start: 1 for the first; 0
                           // when it took none
};

/// How a call ended.
struct Outcome {
  Status status;
  Value result;            // nil unless the status is OK
  std::vector<Hop> trace;  // nearest node first; empty unless it was asked for
};

}  // namespace kvmesh
