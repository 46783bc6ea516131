// A simulated node's engine when it is durable, and its disk, which outlives the process.
#include <memory>
#include <utility>

#include "node/sim/process.h"
#include "node/sim/random.h"
#include "node/sim/sim_node.h"

namespace kvmesh::sim {
namespace {

constexpr Micros kSyncQuick{2000};
constexpr Micros kSyncBusy{50000};
constexpr Micros kSyncStalls{1000000};
// By so much somebody may have set the clock of its machine between two lives.
constexpr std::int64_t kClockSetMs = 5000;

Micros choose_sync(Random& random, bool is_slow) {
  if (is_slow) return random.between(kSyncBusy, 6 * kSyncBusy);
  const auto place = random.below(1000);
  return random.between(Micros{0},
                        place < 700 ? kSyncQuick : (place < 995 ? kSyncBusy : kSyncStalls));
}

}  // namespace

std::unique_ptr<durable::DurableEngine> SimNode::make_durable_engine(SimLog*& log) {
  Random random{world_.plan.seed ^ world_.lives[index_] << 32 ^ index_ ^ 0xd15c};
  const auto shift = static_cast<std::int64_t>(random.below(2 * kClockSetMs)) - kClockSetMs;
  const auto wall = clock_.at(now()) / std::chrono::milliseconds{1} + shift;
  SimLog::Options options;
  options.clock = [this] { return TimePoint{} + now(); };
  options.until_synced = [random, is_slow = random.chance(30)]() mutable {
    return choose_sync(random, is_slow);
  };
  options.syncs = [this](TimePoint at) {
    const auto since = std::chrono::duration_cast<Micros>(at - TimePoint{});
    world_.events.add(since, EventKind::kSynced, index_, 0, world_.lives[index_]);
  };
  auto disk_log = std::make_unique<SimLog>(disk_, std::move(options));
  log = disk_log.get();
  store_clock_ = {clock(), static_cast<store::Moment>(wall)};
  auto engine = std::make_unique<durable::DurableEngine>(
      durable::DurableEngine::Options{.bytes_max = NodePlan{}.memory_max,
                                      .use = store::MemoryEngine::Use::kOneThread,
                                      .clock = store_clock_},
      std::move(disk_log));
  disk_->restore(engine->memory(), clock());
  // Its time does not go back behind what it has done, as it says.
  store_clock_.not_before(store::moment_of(disk_->content().last), clock());
  return engine;
}

bool SimNode::has_disk_failed() const {
  return process_->log != nullptr && process_->log->has_failed();
}

void SimNode::begin(const RequestView& request) {
  judge_way(request, index_);
  world_.oracle.began(number_of(request), index_, request.timeout_ms, request.hops, now(), moment(),
                      !has_disk_failed());
}

void SimNode::tell(std::uint32_t number, const ReplyView& reply, std::string_view result) {
  const bool is_withheld = reply.code == StatusCode::kUnavailable && has_disk_failed();
  if (is_withheld && world_.oracle.must_tell(number) != reply.code) {
    return world_.oracle.withheld(number);
  }
  world_.oracle.told(number, index_, reply.code, result);
}

void SimNode::fail_sync() {
  if (state_ == State::kDead || process_->log == nullptr) return;
  process_->log->fail();
  schedule_pass();
}

// Of what was not safe yet some is there all the same: the first of it.
void SimNode::crash_disk(store::Moment died_at) {
  Random random{world_.plan.seed ^ static_cast<std::uint64_t>(now().count()) << 16 ^ index_};
  disk_->crash(random.index(disk_->unsynced() + 1));
  world_.oracle.crashed(index_, disk_->content(), died_at);
}

}  // namespace kvmesh::sim
