#pragma once

#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "node/core/modules.h"
#include "node/sim/ledger.h"
#include "node/sim/sim_node.h"
#include "node/store/memory_engine.h"

namespace kvmesh::sim {

/// A request's number travels in flags that no node looks at.
inline constexpr unsigned kNumberShift = 8;
inline std::uint32_t number_of(const RequestView& request) {
  return static_cast<std::uint32_t>(request.flags >> kNumberShift);
}

/// What a node loses when its process ends.
struct SimNode::Process {
  Process(const Plan& plan, NodeIndex index, SimNode& owner);

  std::uint64_t life = 0;
  bool exiting = false;  // it has said its last words
  store::MemoryEngine engine;
  core::Modules functions;  // those of production
  core::Modules watched;    // the same; the owner knows when one runs
  core::Core core;
  Ledger ledger;
  std::vector<Link> links;  // by peer
  // Replies that wait for the end of the pass, by connection.
  absl::flat_hash_map<ConnectionId, FrameId> replies;
};

}  // namespace kvmesh::sim
