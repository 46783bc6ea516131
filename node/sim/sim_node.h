#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "common/wire/request_batch.h"
#include "node/core/core.h"
#include "node/durable/durable_engine.h"
#include "node/sim/node_clock.h"
#include "node/sim/sim_log.h"
#include "node/sim/slow_engine.h"
#include "node/sim/world.h"
#include "node/store/memory_engine.h"

namespace kvmesh::sim {

/// A node process of the simulation: the core, functions and store of production, and a shell that
/// does what Reactor, PeerLinks, Link and Inbox do, with simulated time and network. It also holds
/// the core to its contract, input by input.
class SimNode final : public core::Effects {
 public:
  enum class State : std::uint8_t { kDead, kRuns, kPaused, kStopping };

  SimNode(World& world, NodeIndex index);
  ~SimNode() override;

  State state() const { return state_; }
  bool takes_asks() const { return state_ == State::kRuns || state_ == State::kPaused; }
  std::size_t in_flight() const;
  /// Null while the node is dead.
  store::MemoryEngine* memory();
  /// The time by its store's clock.
  store::Moment moment() { return store_clock_.at(clock()); }

  /// The process starts; its links connect by themselves, unless connect_at_once() follows.
  void start(bool connected);
  /// All its links are up. REQUIRES: all nodes have started.
  void connect_at_once();
  void kill();
  void pause();
  void resume();
  void stop();
  void stop_over();
  void fail_sync();
  void slow(Micros for_each) { for_each_ = for_each; }
  /// Does nothing when the table names a node that it has no way to now.
  void reload(const RoutingTable& table);
  /// Comes in as what follows, and is lost with the process.
  void take_peers(const Fault& fault) {
    if (state_ != State::kDead) take({Item::Kind::kPeers, 0, nullptr, {}, &fault});
  }

  /// Something comes in, and is handled when the node comes to it. REQUIRES, as of events: the
  /// process that it is meant for lives.
  void take_frame(FrameId frame) { take({Item::Kind::kFrame, frame, nullptr, {}}); }
  void take_loss(ConnectionId connection, const char* why) {
    take({Item::Kind::kLoss, connection, why, {}});
  }
  void take_ask(std::uint32_t number) { take({Item::Kind::kAsk, number, {}, {}}); }

  // Events.
  void pass();
  void tick();
  void connect(std::uint16_t peer);
  void attempt_over(ConnectionId connection);
  /// A link takes frames again.
  void wake() { schedule_pass(); }

  // Effects of the core. A peer is known by its place in the plan everywhere but in the core, which
  // gives places of its own.
  void forward(PeerIndex place, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step) override;
  Unsent unsent(PeerIndex place) override;
  Unsent unsent(std::uint16_t peer) const;
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  TimePoint clock() override { return clock_.time(world_.events.now()); }

 private:
  struct Item {
    enum class Kind : std::uint8_t { kFrame, kLoss, kAsk, kPeers };
    Kind kind = Kind::kFrame;
    std::uint32_t id = 0;
    const char* why = nullptr;
    Micros came{};
    const Fault* fault = nullptr;  // of the plan
  };
  struct Sealed {
    explicit Sealed(wire::RequestBatch full)
        : batch(std::move(full)), requests(batch.requests()), bytes(batch.bytes()) {}
    wire::RequestBatch batch;
    std::size_t requests;
    std::size_t bytes;
  };
  struct Link {
    enum class State : std::uint8_t { kWaiting, kConnecting, kUp, kDraining };
    State state = State::kWaiting;
    ConnectionId connection = 0;
    wire::RequestBatch batch{true};
    std::deque<Sealed> sealed;                                  // waiting for the network
    std::vector<RequestId> expired;                             // before they left; not told yet
    absl::flat_hash_map<std::uint64_t, std::uint64_t> records;  // by id, for a recorder
    Micros backoff{50000};
    bool dirty = false;
  };
  struct Process;  // what ends with it
  class WatchedCall;
  class Watch;
  struct Deferred;

  void take(Item item);
  std::unique_ptr<SlowEngine> make_slow_engine();
  std::unique_ptr<durable::DurableEngine> make_durable_engine(SimLog*& log);
  bool has_disk_failed() const;
  void begin(const RequestView& request);
  void tell(std::uint32_t number, const ReplyView& reply, std::string_view result);
  void crash_disk(store::Moment died_at);
  void deferred(RequestId ticket, const RequestView& request);
  void executed_later(RequestId ticket, const SlowEngine::Ended& ended);
  void tick_engine();
  void run_engine();
  void schedule_pass();
  void handle(const Item& item);
  void handle_frame(FrameId id);
  void handle_requests(const Frame& frame);
  void handle_replies(const Frame& frame);
  void handle_hello(const Frame& frame);
  void handle_sign(const Frame& frame);
  void handle_ask(std::uint32_t number);
  void hand_on();
  void lose(ConnectionId connection, const std::string& why);
  void end_link(std::uint16_t peer, const std::string& why);
  void set_topology(const std::vector<NodeIndex>& peers, const RoutingTable& table);
  bool leads_on(const RoutingTable& table, const std::vector<NodeIndex>& peers) const;
  bool has_peer(std::uint16_t peer) const;
  PeerIndex place_of(std::uint16_t peer) const;
  std::uint16_t peer_at(PeerIndex place) const;
  void come_up(Link& link, std::uint16_t peer);
  void drop_unsent(std::uint16_t peer);
  void seal(Link& link);
  void expire_unsent();
  void tell_expired(std::uint16_t peer, Micros at);
  Micros observe_age(Connection& connection, const Frame& frame);
  void look_at_deadlines();
  void flush(Micros at);
  void flush_link(Link& link, Micros at);
  void send_sign(ConnectionId connection, bool to_server, FrameSort sort);
  void check_books();
  void check_path(const RequestView& request);
  Referee::Decision decide(const RequestView& request, bool is_full);
  void judge_way(const RequestView& request, NodeIndex to);
  void judge_failure(const core::Origin& origin, StatusCode code);
  void violate(std::string_view check, const std::string& what);
  Link& link_of(ConnectionId connection);
  NodeIndex peer_node(std::uint16_t peer) const { return plan().peers[peer]; }
  const NodePlan& plan() const { return world_.plan.nodes[index_]; }
  Micros now() const { return world_.events.now(); }

  World& world_;
  NodeIndex index_;
  NodeClock clock_;
  store::EngineClock store_clock_;  // of the process that runs
  std::shared_ptr<SimDisk> disk_;   // of a durable one
  State state_ = State::kDead;
  std::unique_ptr<Process> process_;
  std::deque<Item> inbox_;
  std::vector<ConnectionId> dirty_replies_;
  std::vector<std::uint16_t> dirty_links_;  // with requests to send
  std::vector<std::uint16_t> retry_;        // scratch
  std::vector<core::Core::Incoming> run_;   // for the core; empty between inputs
  Micros for_each_{};
  Micros free_at_{};
  Micros paused_at_{};
  Micros excused_until_{};  // it was late itself until then
  bool pass_scheduled_ = false;
  bool tick_scheduled_ = false;
  bool tick_due_ = false;
  // What the input that the core is working on allows it to answer.
  std::optional<StatusCode> only_;
  bool in_tick_ = false;
  Micros acts_at_{};  // when it answers what is over; before now(): now
  std::uint64_t from_connection_ = 0;
  const RequestView* executing_ = nullptr;
  const ReplyView* passing_ = nullptr;  // a reply that a peer gave
  wire::Buffer packed_;                 // scratch
  bool engine_ends_ = false;            // what is answered, the engine has ended later
};

}  // namespace kvmesh::sim
