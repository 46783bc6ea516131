#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/core/core.h"
#include "node/sim/world.h"
#include "node/store/engine.h"

namespace kvmesh::sim {

/// How often a node looks at its deadlines and links, as Reactor does.
inline constexpr Micros kNodeTick{20000};

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
  store::Engine* engine();

  /// The process starts; its links connect by themselves, unless connect_at_once() follows.
  void start(bool connected);
  /// All its links are up. REQUIRES: all nodes have started.
  void connect_at_once();
  void kill();
  void pause();
  void resume();
  void stop();
  void stop_over();
  void slow(Micros for_each) { for_each_ = for_each; }
  void reload(const RoutingTable& table);

  /// Something comes in, and is handled when the node comes to it. REQUIRES, as of events: the
  /// process that it is meant for lives.
  void take_frame(FrameId frame) { take({Item::Kind::kFrame, frame, {}, {}}); }
  void take_loss(ConnectionId connection, const char* why) {
    take({Item::Kind::kLoss, connection, why, {}});
  }
  void take_ask(std::uint32_t number) { take({Item::Kind::kAsk, number, {}, {}}); }

  // Events.
  void pass();
  void tick();
  void connect(std::uint16_t peer);
  void attempt_over(ConnectionId connection);

  // Effects of the core.
  void forward(PeerIndex peer, const RequestView& request, RequestId id, std::uint64_t timeout_ms,
               const wire::PathStep& step) override;
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  TimePoint clock() override { return core_time(world_.events.now()); }

 private:
  struct Item {
    enum class Kind : std::uint8_t { kFrame, kLoss, kAsk };
    Kind kind = Kind::kFrame;
    std::uint32_t id = 0;
    const char* why = nullptr;
    Micros came{};
  };
  struct Batch {
    wire::Buffer bytes;
    std::vector<RequestId> ids;
    std::vector<std::uint64_t> records;
  };
  struct Link {
    enum class State : std::uint8_t { kWaiting, kConnecting, kUp, kDraining };
    State state = State::kWaiting;
    ConnectionId connection = 0;
    Batch batch;
    std::deque<Batch> sealed;  // waiting for the network
    Micros backoff{50000};
    bool dirty = false;
  };
  struct Process;  // what ends with it

  void take(Item item);
  void schedule_pass();
  void handle(const Item& item);
  void handle_frame(FrameId id);
  void handle_requests(const Frame& frame);
  void handle_replies(const Frame& frame);
  void handle_hello(ConnectionId connection);
  void handle_sign(const Frame& frame);
  void handle_ask(std::uint32_t number);
  void hand_on();
  void lose(ConnectionId connection, const std::string& why);
  void come_up(Link& link, std::uint16_t peer);
  void drop_unsent(std::uint16_t peer);
  void look_at_deadlines();
  void flush(Micros at);
  void flush_link(Link& link, Micros at);
  void send_sign(ConnectionId connection, bool to_server, FrameSort sort);
  void check_books();
  void check_path(const RequestView& request);
  void violate(std::string_view check, const std::string& what);
  Link& link_of(ConnectionId connection);
  NodeIndex peer_node(std::uint16_t peer) const { return plan().peers[peer]; }
  const NodePlan& plan() const { return world_.plan.nodes[index_]; }
  Micros now() const { return world_.events.now(); }

  World& world_;
  NodeIndex index_;
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
  std::uint64_t from_connection_ = 0;
  const RequestView* executing_ = nullptr;
};

}  // namespace kvmesh::sim
