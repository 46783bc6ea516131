// A simulated node's engine, when it is one that ends operations later.
#include <memory>
#include <utility>

#include "common/wire/pack.h"
#include "node/sim/process.h"
#include "node/sim/random.h"
#include "node/sim/sim_node.h"

namespace kvmesh::sim {
namespace {

constexpr Micros kQuick{2000};
constexpr Micros kHesitates{50000};
constexpr Micros kStalls{1000000};

SlowEngine::Fate choose_fate(Random& random) {
  SlowEngine::Fate fate;
  const auto place = random.below(1000);
  const auto most = place < 800 ? kQuick : (place < 990 ? kHesitates : kStalls);
  fate.until_executed = random.between(Micros{0}, most);
  fate.is_executed = !random.chance(2);
  fate.is_unknown = random.chance(3);
  fate.is_told = !random.chance(2);
  fate.until_told = random.between(Micros{0}, random.chance(90) ? kQuick : 4 * kHesitates);
  return fate;
}

}  // namespace

std::unique_ptr<SlowEngine> SimNode::make_slow_engine() {
  SlowEngine::Options options;
  options.bytes_max = plan().memory_max;
  options.clock = [this] { return clock(); };
  options.decide = [random = Random{world_.plan.seed ^ world_.lives[index_] << 32 ^ index_}](
                       const store::Op&) mutable { return choose_fate(random); };
  options.executed = [this](store::SessionOwner::Ticket ticket, const SlowEngine::Ended& ended) {
    executed_later(ticket, ended);
  };
  return std::make_unique<SlowEngine>(std::move(options));
}

void SimNode::deferred(RequestId ticket, const RequestView& request) {
  if (plan().is_durable) return;  // it has begun, as all do there
  if (!plan().has_slow_engine) return begin(request);
  judge_way(request, index_);
  process_->deferred[ticket.value] = {number_of(request), request.timeout_ms, request.hops};
}

void SimNode::executed_later(RequestId ticket, const SlowEngine::Ended& ended) {
  const auto found = process_->deferred.find(ticket.value);
  if (found == process_->deferred.end()) {
    return violate("executed_twice", "executes what nobody has given it, or again");
  }
  wire::Buffer result;
  if (ended.status.ok()) modules::pack_result(result, ended.view());
  if (result.empty()) wire::pack_nil(result);
  const auto& [number, timeout_ms, hops] = found->second;
  world_.oracle.executed(number, index_, timeout_ms, hops, ended.status.code(), result.view(),
                         now(), moment());
  process_->deferred.erase(found);
}

// What is in memory alone, and never expires, has nothing to do of its own.
void SimNode::tick_engine() {
  if (!plan().is_durable && world_.plan.batches.empty()) return;
  engine_ends_ = true;
  process_->kv.tick(clock());
  engine_ends_ = false;
}

void SimNode::run_engine() {
  engine_ends_ = true;
  const bool more = process_->kv.pass(process_->core, clock());
  engine_ends_ = false;
  if (more) schedule_pass();
}

}  // namespace kvmesh::sim
