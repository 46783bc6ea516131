#include "node/sim/simulation.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "common/text.h"
#include "node/sim/sim_node.h"
#include "node/sim/world.h"

namespace kvmesh::sim {
namespace {

constexpr std::chrono::seconds kAfterwards{8};  // for links to come back and deadlines to pass

class Simulation {
 public:
  Simulation(const Plan& plan, Recorder* recorder) : plan_(plan), world_(plan, recorder) {
    for (NodeIndex i = 0; i < plan.nodes.size(); ++i) {
      nodes_.push_back(std::make_unique<SimNode>(world_, i));
    }
    Micros last{};
    std::uint32_t patience = 0;
    for (const auto& request : plan.requests) {
      last = std::max(last, request.at);
      patience = std::max(patience, request.timeout_ms);
    }
    if (!plan.faults.empty()) last = std::max(last, plan.faults.back().at);
    end_ = last + std::chrono::milliseconds{patience} + kAfterwards;
  }

  RunResult run() {
    for (const auto& node : nodes_) node->start(true);
    for (const auto& node : nodes_) node->connect_at_once();
    plan_next_ask();
    plan_next_fault();
    std::uint64_t events = 0;
    while (!world_.violations.any() && !world_.events.empty() && world_.events.next_at() <= end_) {
      handle(world_.events.take());
      ++events;
    }
    if (!world_.violations.any()) check_end();
    return {world_.violations,   world_.oracle.figures(), world_.trace.value(),        events,
            world_.events.now(), world_.load.most,        world_.load.most_of_one_node};
  }

 private:
  void plan_next_ask() {
    if (next_ask_ == plan_.requests.size()) return;
    world_.events.add(plan_.requests[next_ask_].at, EventKind::kAsk, 0, next_ask_);
    ++next_ask_;
  }
  void plan_next_fault() {
    if (next_fault_ == plan_.faults.size()) return;
    world_.events.add(plan_.faults[next_fault_].at, EventKind::kFault, 0, next_fault_);
    ++next_fault_;
  }

  void handle(const Event& event) {
    auto& node = *nodes_[event.node];
    const bool lives = world_.lives[event.node] == event.stamp;  // the same process as then
    const auto connection = static_cast<ConnectionId>(event.detail);
    switch (event.kind) {
      case EventKind::kAsk:
        ask(static_cast<std::uint32_t>(event.detail));
        return plan_next_ask();
      case EventKind::kFault:
        inject(plan_.faults[event.detail]);
        return plan_next_fault();
      case EventKind::kArrive:
        return arrive(static_cast<FrameId>(event.detail));
      case EventKind::kWire:
        return world_.network.wire_over(event.detail);
      case EventKind::kRoom:
      case EventKind::kSynced:
        if (lives) node.wake();
        return;
      case EventKind::kWatch:
        return watch(connection);
      case EventKind::kPass:
        if (lives) node.pass();
        return;
      case EventKind::kTick:
        if (lives) node.tick();
        return;
      case EventKind::kConnect:
        if (lives) node.connect(static_cast<std::uint16_t>(event.detail));
        return;
      case EventKind::kAttemptOver:
        if (lives) node.attempt_over(connection);
        return;
      case EventKind::kNotice:
        return notice(connection, "connection closed");
      case EventKind::kSilence:
        return silence(connection, event.stamp);
      case EventKind::kStopOver:
        if (lives) node.stop_over();
        return;
      case EventKind::kExit:
        if (lives) node.kill();
        return;
    }
  }

  void ask(std::uint32_t number) {
    auto& node = *nodes_[plan_.requests[number].node];
    if (node.takes_asks()) return node.take_ask(number);
    world_.oracle.not_asked(number);
  }

  void arrive(FrameId id) {
    if (!world_.network.arrive(id)) return;
    const auto& frame = world_.network.frame(id);
    const auto& connection = world_.network.at(frame.connection);
    const auto to = frame.to_server ? connection.server : connection.dialer;
    const auto life = frame.to_server ? connection.server_life : connection.dialer_life;
    if (world_.lives[to] == 0 || world_.lives[to] != life) return world_.network.free_frame(id);
    nodes_[to]->take_frame(id);
  }

  void notice(ConnectionId id, const char* why) {
    const auto& connection = world_.network.at(id);
    if (!connection.open || world_.lives[connection.dialer] != connection.dialer_life) return;
    nodes_[connection.dialer]->take_loss(id, why);
  }

  void silence(ConnectionId id, std::uint64_t stamp) {
    if (!world_.network.is_silent(id, stamp)) return;
    const auto& connection = world_.network.at(id);
    // One that stood still itself has not looked either.
    if (nodes_[connection.dialer]->state() == SimNode::State::kPaused) {
      return world_.network.wait_on(id);
    }
    notice(id, "it was silent for 1000 ms");
  }

  void watch(ConnectionId id) {
    const auto dialer = world_.network.at(id).dialer;
    const bool is_paused = nodes_[dialer]->state() == SimNode::State::kPaused;
    if (world_.network.watch(id, is_paused)) notice(id, "it was silent for 1000 ms");
  }

  void inject(const Fault& fault) {
    switch (fault.kind) {
      case FaultKind::kCut:
        return world_.network.cut(fault.first, fault.second);
      case FaultKind::kPartition:
        return world_.network.part(fault.first, fault.second);
      case FaultKind::kThrottle:
        return world_.network.throttle(fault.first, fault.second, fault.rate);
      case FaultKind::kHeal:
        return world_.network.heal();
      default:
        for (const auto index : fault.first) inject_into(*nodes_[index], fault);
    }
  }

  static void inject_into(SimNode& node, const Fault& fault) {
    switch (fault.kind) {
      case FaultKind::kKill:
        return node.kill();
      case FaultKind::kStart:
        return node.start(false);
      case FaultKind::kFailSync:
        return node.fail_sync();
      case FaultKind::kStop:
        return node.stop();
      case FaultKind::kPause:
        return node.pause();
      case FaultKind::kResume:
        return node.resume();
      case FaultKind::kSlow:
        return node.slow(fault.amount);
      case FaultKind::kReload:
        return node.reload(fault.table);
      case FaultKind::kPeers:
        return node.take_peers(fault);
      default:
        return;
    }
  }

  // After the end nothing is under way, and the stores hold what they must.
  void check_end() {
    world_.oracle.finish();
    for (NodeIndex i = 0; i < nodes_.size(); ++i) {
      auto& node = *nodes_[i];
      const auto& name = plan_.nodes[i].name.str();
      const bool runs = node.state() == SimNode::State::kRuns;
      if (runs && node.in_flight() > 0) {
        world_.violations.add("still_in_flight", name + " has " + std::to_string(node.in_flight()) +
                                                     " requests in flight at the end");
      }
      if (node.memory() != nullptr) {
        check_store(name, *node.memory(), node.moment(), world_.oracle.shadow(i));
      }
      if (plan_.nodes[i].is_durable) node.kill();  // and its disk is judged
    }
  }

  void check_store(const std::string& name, store::MemoryEngine& engine, store::Moment now,
                   const Shadow& shadow) {
    std::size_t keys = 0;
    std::size_t ended = 0;
    for (const auto& [bucket, stored] : shadow.buckets()) {
      for (const auto& [key, value] : stored.keys) {
        ++(value.is_there(now) ? keys : ended);
        std::string held;
        const auto found = engine.get(
            plan_.buckets[bucket], key_text(key), [&](std::string_view view) { held = view; }, now);
        if (found && *found == value.is_there(now) && (!*found || held == value.text())) continue;
        world_.violations.add("lost_write", name + " has lost " + key_text(key) + " of bucket " +
                                                in_quotes(plan_.buckets[bucket]));
      }
    }
    const auto usage = engine.usage();
    if (usage.keys >= keys && usage.keys <= keys + ended &&
        usage.buckets == shadow.buckets().size()) {
      return;
    }
    world_.violations.add("invented_write", name + " holds " + std::to_string(usage.keys) +
                                                " keys and must hold " + std::to_string(keys));
  }

  const Plan& plan_;
  World world_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::size_t next_ask_ = 0;
  std::size_t next_fault_ = 0;
  Micros end_{};
};

}  // namespace

RunResult run(const Plan& plan, Recorder* recorder) { return Simulation{plan, recorder}.run(); }

}  // namespace kvmesh::sim
