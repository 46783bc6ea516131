#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include <kvmesh/status.h>

#include "common/wire/buffer.h"
#include "node/sim/plan.h"

namespace kvmesh::sim {

/// What one node's store must hold, told of every execution there: a plain map beside the real
/// engine.
class Shadow {
 public:
  struct Answer {
    StatusCode code = StatusCode::kOk;
    std::string result;  // msgpack
  };
  /// Executes `request` here and says what the node must answer. `refused_full`: the engine said
  /// kFull, which the shadow cannot know; nothing changes then.
  Answer execute(const Request& request, const NodeName& node, bool refused_full);
  void clear() { buckets_.clear(); }

  struct Stored {
    std::uint32_t value = 0;
    std::uint32_t value_bytes = 0;
  };
  using Bucket = std::map<std::uint16_t, Stored>;
  const std::unordered_map<std::uint32_t, Bucket>& buckets() const { return buckets_; }

 private:
  std::unordered_map<std::uint32_t, Bucket> buckets_;
  wire::Buffer packed_;  // scratch
};

}  // namespace kvmesh::sim
