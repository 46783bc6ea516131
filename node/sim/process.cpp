#include "node/sim/process.h"

#include <deque>
#include <string>
#include <vector>

#include "common/wire/pack.h"
#include "node/modules/node_module.h"

namespace kvmesh::sim {
namespace {

std::vector<NodeName> peer_names(const Plan& plan, const NodePlan& node) {
  std::vector<NodeName> out;
  out.reserve(node.peers.size());
  for (const auto peer : node.peers) out.push_back(plan.nodes[peer].name);
  return out;
}

std::vector<core::Via> vias_of(const NodePlan& node) {
  std::vector<core::Via> out;
  for (const auto& via : node.vias) out.push_back({via.node, PeerIndex{via.peer}});
  return out;
}

}  // namespace

// Tells the node which request is answered while its function runs.
class SimNode::WatchedCall final : public core::InnerCall {
 public:
  WatchedCall(core::Call& outer, SimNode& owner)
      : InnerCall(outer, outer.request(), outer.number()), owner_(owner) {}

  void succeed() override {
    owner_.executing_ = &request();
    InnerCall::succeed();
    owner_.executing_ = nullptr;
  }
  void succeed_with(std::string_view bytes) override {
    owner_.executing_ = &request();
    InnerCall::succeed_with(bytes);
    owner_.executing_ = nullptr;
  }
  void fail(const Status& status) override {
    owner_.executing_ = &request();
    InnerCall::fail(status);
    owner_.executing_ = nullptr;
  }
  Result<Ticket> defer_queued() override {
    auto ticket = InnerCall::defer_queued();
    if (ticket) owner_.deferred(*ticket, request());
    return ticket;
  }

 private:
  SimNode& owner_;
};

SimNode::Process::Process(const Plan& plan, NodeIndex index, SimNode& owner)
    : life(owner.world_.lives[index]),
      memory(plan.nodes[index].has_slow_engine || plan.nodes[index].is_durable
                 ? nullptr
                 : std::make_unique<store::MemoryEngine>(plan.nodes[index].memory_max,
                                                         store::MemoryEngine::Use::kOneThread)),
      slow(plan.nodes[index].has_slow_engine ? owner.make_slow_engine() : nullptr),
      durable(plan.nodes[index].is_durable ? owner.make_durable_engine(log) : nullptr),
      kv(engine(), [&owner] { owner.wake(); }),
      watch(kv, owner),
      core(plan.nodes[index].name, peer_names(plan, plan.nodes[index]), watched, owner,
           owner.clock(), vias_of(plan.nodes[index])),
      ledger(plan.nodes[index].peers.size()),
      links(plan.nodes[index].peers.size()) {
  const auto& node = plan.nodes[index];
  modules::define_node(functions, node.name, [](wire::Buffer& out) { wire::pack_nil(out); });
  if (node.stores) kv.define(functions);
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    const auto name = function_of(static_cast<Operation>(i));
    const auto* function = functions.find(name);
    if (function == nullptr) continue;
    if (function->runner != nullptr) {
      watched.define(std::string{name}, watch, function->number, function->cost);
    } else {
      watched.define(std::string{name}, [&owner, function](core::Call& call) {
        WatchedCall inner{call, owner};
        function->handler(inner);
      });
    }
  }
}

void SimNode::Watch::run(std::span<core::Call* const> calls) {
  if (owner_.plan().is_durable) {
    for (const auto* call : calls) owner_.begin(call->request());
  }
  std::deque<WatchedCall> inner;
  std::vector<core::Call*> inner_calls;
  for (auto* call : calls) inner_calls.push_back(&inner.emplace_back(*call, owner_));
  kv_.run(inner_calls);
}

}  // namespace kvmesh::sim
