#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "node/core/function_registry.h"
#include "node/durable/durable_engine.h"
#include "node/modules/kv_module.h"
#include "node/sim/ledger.h"
#include "node/sim/sim_log.h"
#include "node/sim/sim_node.h"
#include "node/sim/slow_engine.h"
#include "node/store/memory_engine.h"

namespace kvmesh::sim {

/// A request's number travels in flags that no node looks at.
inline constexpr unsigned kNumberShift = 8;
inline std::uint32_t number_of(const RequestView& request) {
  return static_cast<std::uint32_t>(request.flags >> kNumberShift);
}

/// Runs the calls of a node's module kv so that the node knows which request is answered.
class SimNode::Watch final : public core::Runner {
 public:
  Watch(modules::KvModule& kv, SimNode& owner) : kv_(kv), owner_(owner) {}
  void run(std::span<core::Call* const> calls) override;

 private:
  modules::KvModule& kv_;
  SimNode& owner_;
};

/// What the oracle is told of a request when it is executed.
struct SimNode::Deferred {
  std::uint32_t number = 0;
  std::uint64_t timeout_ms = 0;
  std::uint32_t hops = 0;
};

/// What a node loses when its process ends.
struct SimNode::Process {
  Process(const Plan& plan, NodeIndex index, SimNode& owner);

  std::uint64_t life = 0;
  bool exiting = false;                         // it has said its last words
  std::unique_ptr<store::MemoryEngine> memory;  // one of the three
  std::unique_ptr<SlowEngine> slow;
  SimLog* log = nullptr;  // that of the next
  std::unique_ptr<durable::DurableEngine> durable;
  store::Engine& engine() {
    if (durable) return *durable;
    return slow ? static_cast<store::Engine&>(*slow) : *memory;
  }
  modules::KvModule kv;
  Watch watch;
  core::FunctionRegistry functions;  // those of production
  core::FunctionRegistry watched;    // the same; the owner knows when one runs
  core::Core core;
  Ledger ledger;
  std::vector<Link> links;  // by peer
  // Requests that the engine has not executed yet, by their tickets.
  absl::flat_hash_map<std::uint64_t, Deferred> deferred;
  // Replies that wait for the end of the pass, by connection.
  absl::flat_hash_map<ConnectionId, FrameId> replies;
};

}  // namespace kvmesh::sim
