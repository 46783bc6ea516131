// A simulated node's links, and the beginning and end of its process.
#include <algorithm>
#include <utility>

#include "node/sim/process.h"
#include "node/sim/sim_node.h"
#include "node/sim/timing.h"

namespace kvmesh::sim {
namespace {

constexpr Micros kBackoffMin{50000};
constexpr Micros kBackoffMax{1000000};
constexpr Micros kAttemptMax{1500000};  // from dialling to WELCOME
constexpr Micros kStopGrace{1000000};
constexpr Micros kLastWords{50000};
constexpr Micros kPauseMax{1000000};  // then its peers have given it up

}  // namespace

void SimNode::start(bool connected) {
  if (state_ != State::kDead) return;
  world_.lives[index_] = ++world_.lives_begun;
  store_clock_ = {};
  process_ = std::make_unique<Process>(world_.plan, index_, *this);
  state_ = State::kRuns;
  free_at_ = excused_until_ = now();
  if (world_.recorder != nullptr) world_.recorder->started(index_, now());
  reload(plan().table);
  for (std::size_t i = 0; i < plan().peers.size(); ++i) {
    const auto peer = static_cast<std::uint16_t>(i);
    if (!connected) {
      const auto spread = Micros{static_cast<std::int64_t>(i) * 1000} + kNodeTick;
      world_.events.add(now() + spread, EventKind::kConnect, index_, peer, process_->life);
    }
  }
}

void SimNode::connect_at_once() {
  for (std::size_t i = 0; i < plan().peers.size(); ++i) {
    const auto peer = static_cast<std::uint16_t>(i);
    auto& link = process_->links[i];
    link.connection = world_.network.dial(index_, process_->life, peer, peer_node(peer),
                                          world_.lives[peer_node(peer)]);
    auto& connection = world_.network.at(link.connection);
    connection.accepted = true;
    // As if HELLO had come as quickly as can be.
    const auto left = now() - world_.plan.network.delay;
    const auto& server = world_.plan.nodes[peer_node(peer)].name;
    (void)connection.age.observe(clock_.stamp(left),
                                 NodeClock{world_.plan.seed, server}.stamp(now()));
    (void)connection.known.observe(left, now());
    come_up(link, peer);
  }
}

void SimNode::come_up(Link& link, std::uint16_t peer) {
  link.state = Link::State::kUp;
  link.backoff = kBackoffMin;
  if (world_.recorder != nullptr) world_.recorder->up(index_, peer_node(peer), now());
  const auto& network = world_.plan.network;
  process_->core.on_peer_up(place_of(peer), {network.window_requests, network.window_bytes});
}

void SimNode::kill() {
  if (state_ == State::kDead) return;
  if (world_.recorder != nullptr) world_.recorder->killed(index_, now());
  state_ = State::kDead;
  world_.lives[index_] = 0;
  world_.network.killed(index_);
  for (const auto& item : inbox_) {
    if (item.kind == Item::Kind::kFrame) world_.network.free_frame(item.id);
    if (item.kind == Item::Kind::kAsk) world_.oracle.not_asked(item.id);
  }
  for (const auto& [connection, frame] : process_->replies) world_.network.free_frame(frame);
  world_.load.now -= process_->ledger.size();
  inbox_.clear();
  dirty_replies_.clear();
  dirty_links_.clear();
  const auto died_at = moment();
  if (process_->log != nullptr) (void)process_->log->durable();  // what has come to the disk by now
  process_.reset();
  if (disk_) crash_disk(died_at);
  pass_scheduled_ = tick_scheduled_ = tick_due_ = false;
  world_.oracle.killed(index_);
}

void SimNode::pause() {
  if (state_ != State::kRuns) return;
  state_ = State::kPaused;
  paused_at_ = now();
  world_.network.paused(index_);
}

void SimNode::resume() {
  if (state_ != State::kPaused) return;
  state_ = State::kRuns;
  world_.network.resumed(index_);
  excused_until_ = now();
  if (now() - paused_at_ >= kPauseMax) {
    for (const auto id : world_.network.accepted_by(index_)) {
      world_.network.at(id).accepted = false;
      // What comes next is refused, be it a request or the PING of a peer that has slept as well.
      const auto ping = now() + world_.network.some_time(id, Micros{0}, kPingInterval);
      world_.network.send(world_.network.make_frame(id, false, FrameSort::kRefused), ping);
    }
  }
  tick_due_ = true;
  schedule_pass();
}

void SimNode::stop() {
  if (state_ != State::kRuns) return;
  state_ = State::kStopping;
  for (const auto id : world_.network.accepted_by(index_)) {
    if (world_.network.at(id).lives) send_sign(id, false, FrameSort::kGoodbye);
  }
  world_.events.add(now() + kStopGrace, EventKind::kStopOver, index_, 0, process_->life);
  schedule_pass();
}

void SimNode::stop_over() {
  if (state_ != State::kStopping || std::exchange(process_->exiting, true)) return;
  if (world_.recorder != nullptr) world_.recorder->stopped(index_, now());
  only_ = StatusCode::kOutcomeUnknown;
  process_->core.fail_all();
  only_.reset();
  flush(now());
  world_.events.add(now() + kLastWords, EventKind::kExit, index_, 0, process_->life);
}

void SimNode::tick() {
  tick_scheduled_ = false;
  if (state_ == State::kPaused) return;
  tick_due_ = true;
  if (free_at_ > now() + Micros{1000}) excused_until_ = free_at_;
  schedule_pass();
}

void SimNode::look_at_deadlines() {
  expire_unsent();
  in_tick_ = true;
  only_ = StatusCode::kOutcomeUnknown;
  const auto before = process_->ledger.size();
  process_->core.on_tick(clock());
  only_.reset();
  in_tick_ = false;
  if (world_.recorder != nullptr && process_->ledger.size() < before) {
    world_.recorder->expired(index_, now());
  }
}

// Links.

SimNode::Link& SimNode::link_of(ConnectionId connection) {
  return process_->links[world_.network.at(connection).peer];
}

void SimNode::connect(std::uint16_t peer) {
  if (state_ == State::kPaused) {  // when it goes on, or a while later
    world_.events.add(now() + kNodeTick, EventKind::kConnect, index_, peer, process_->life);
    return;
  }
  auto& link = process_->links[peer];
  if (link.state != Link::State::kWaiting || !has_peer(peer)) return;
  const auto server = peer_node(peer);
  link.state = Link::State::kConnecting;
  link.connection = world_.network.dial(index_, process_->life, peer, server, world_.lives[server]);
  world_.events.add(now() + kAttemptMax, EventKind::kAttemptOver, index_, link.connection,
                    process_->life);
  if (world_.lives[server] == 0 && !world_.network.is_blocked(index_, server)) {
    world_.events.add(now() + world_.network.round_trip(), EventKind::kNotice, index_,
                      link.connection);
  } else {
    send_sign(link.connection, true, FrameSort::kHello);
  }
}

void SimNode::attempt_over(ConnectionId connection) {
  const auto& link = link_of(connection);
  if (link.connection == connection && link.state == Link::State::kConnecting) {
    take_loss(connection, "the connection could not be made in time");
  }
}

void SimNode::send_sign(ConnectionId connection, bool to_server, FrameSort sort) {
  world_.network.send(world_.network.make_frame(connection, to_server, sort), now());
}

void SimNode::handle_hello(const Frame& frame) {
  const auto connection = frame.connection;
  auto& known = world_.network.at(connection);
  known.accepted = true;
  known.age.reset();
  (void)observe_age(known, frame);
  send_sign(connection, false, FrameSort::kWelcome);
  if (state_ == State::kStopping) send_sign(connection, false, FrameSort::kGoodbye);
}

void SimNode::handle_sign(const Frame& frame) {
  auto& link = link_of(frame.connection);
  if (link.connection != frame.connection) return;
  const auto peer = world_.network.at(frame.connection).peer;
  if (frame.sort == FrameSort::kWelcome) {
    if (link.state == Link::State::kConnecting) come_up(link, peer);
  } else if (frame.sort == FrameSort::kGoodbye) {
    if (link.state != Link::State::kUp) return;
    link.state = Link::State::kDraining;
    if (world_.recorder != nullptr) world_.recorder->draining(index_, peer_node(peer), now());
    process_->core.on_peer_draining(place_of(peer), "it is stopping");
    drop_unsent(peer);
  } else {
    lose(frame.connection, "it refused a frame");
  }
}

void SimNode::drop_unsent(std::uint16_t peer) {
  auto& link = process_->links[peer];
  seal(link);
  only_ = StatusCode::kUnavailable;
  for (const auto& [batch, requests, bytes] : std::exchange(link.sealed, {})) {
    std::vector<std::uint64_t> records;
    batch.each([&](RequestId id) { records.push_back(link.records[id.value]); });
    if (world_.recorder != nullptr && !records.empty()) {
      world_.recorder->unsent(index_, peer_node(peer), records, now());
    }
    batch.each([&](RequestId id) { process_->core.on_unsent(id); });
  }
  only_.reset();
}

void SimNode::lose(ConnectionId connection, const std::string& why) {
  auto& link = link_of(connection);
  if (link.connection != connection || link.state == Link::State::kWaiting) return;
  const auto peer = world_.network.at(connection).peer;
  end_link(peer, why);
  const auto wait = world_.network.some_time(connection, link.backoff / 2, link.backoff);
  link.backoff = std::min(link.backoff * 2, kBackoffMax);
  world_.events.add(now() + wait, EventKind::kConnect, index_, peer, process_->life);
}

void SimNode::end_link(std::uint16_t peer, const std::string& why) {
  auto& link = process_->links[peer];
  world_.network.close(link.connection);
  link.state = Link::State::kWaiting;
  drop_unsent(peer);
  if (world_.recorder != nullptr) world_.recorder->down(index_, peer_node(peer), why, now());
  only_ = StatusCode::kOutcomeUnknown;
  process_->core.on_peer_down(place_of(peer), why);
  only_.reset();
  if (const auto left = process_->ledger.over(PeerIndex{peer}).requests; left > 0) {
    violate("left_behind",
            "keeps " + std::to_string(left) + " requests in flight over a link that is down");
  }
}

}  // namespace kvmesh::sim
