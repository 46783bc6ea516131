#include "node/sim/network.h"

#include <algorithm>
#include <utility>

#include "node/sim/timing.h"

namespace kvmesh::sim {
namespace {

constexpr std::chrono::milliseconds kPeerTimeout{1000};
constexpr std::chrono::milliseconds kResend{400};  // until TCP tries again what was lost
constexpr std::chrono::milliseconds kNotice{2};
constexpr std::size_t kBytesKept = 4096;
constexpr std::uint64_t kFrameBytes = 60;  // of a packet, beside what it carries

// Of the names, so that removing a node changes nothing for the links of others.
std::uint64_t seed_of_link(std::uint64_t seed, const NodeName& from, const NodeName& to) {
  for (const auto* name : {&from, &to}) {
    for (const char c : name->str()) {
      seed ^= static_cast<unsigned char>(c);
      seed = Random::next_seed(seed);
    }
  }
  return seed;
}

Connection::Way& way_of(Connection& connection, const Frame& frame) {
  return frame.to_server ? connection.out : connection.back;
}

}  // namespace

Network::Network(const Plan& plan, EventQueue& events)
    : plan_(plan), events_(events), chances_(plan.nodes.size()), paused_(plan.nodes.size()) {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const auto& node = plan.nodes[i];
    chances_[i].reserve(node.peers.size());
    for (const auto peer : node.peers) {
      chances_[i].emplace_back(seed_of_link(plan.seed, node.name, plan.nodes[peer].name));
    }
  }
}

Random& Network::chance(const Connection& connection) {
  return chances_[connection.dialer][connection.peer];
}

Micros Network::some_time(ConnectionId id, Micros low, Micros high) {
  return chance(connections_[id]).between(low, high);
}

ConnectionId Network::dial(NodeIndex dialer, std::uint64_t dialer_life, std::uint16_t peer,
                           NodeIndex server, std::uint64_t server_life) {
  auto& connection = connections_.emplace_back();
  connection.dialer = dialer;
  connection.server = server;
  connection.peer = peer;
  connection.dialer_life = dialer_life;
  connection.server_life = server_life;
  const auto id = static_cast<ConnectionId>(connections_.size() - 1);
  if (paused_[server] || is_blocked(dialer, server)) await_silence(id);
  return id;
}

FrameId Network::make_frame(ConnectionId connection, bool to_server, FrameSort sort) {
  if (free_frames_.empty()) {
    frames_.emplace_back();
    free_frames_.push_back(static_cast<FrameId>(frames_.size() - 1));
  }
  const auto id = free_frames_.back();
  free_frames_.pop_back();
  auto& frame = frames_[id];
  frame.connection = connection;
  frame.to_server = to_server;
  frame.sort = sort;
  return id;
}

void Network::free_frame(FrameId id) {
  auto& frame = frames_[id];
  if (std::exchange(frame.is_held, false)) {
    auto& connection = connections_[frame.connection];
    auto& way = way_of(connection, frame);
    --way.frames;
    way.bytes -= frame.bytes.size();
    if (way.wants_room && has_room(way)) {
      way.wants_room = false;
      events_.add(events_.now(), EventKind::kRoom, connection.dialer, 0, connection.dialer_life);
    }
  }
  frame.bytes.clear();
  frame.bytes.shrink(kBytesKept);
  frame.records.clear();
  free_frames_.push_back(id);
}

void Network::send(FrameId id, Micros at) {
  auto& frame = frames_[id];
  auto& connection = connections_[frame.connection];
  auto& way = way_of(connection, frame);
  if (way.ended) return free_frame(id);
  frame.is_held = true;
  frame.left = at;
  ++way.frames;
  way.bytes += frame.bytes.size();
  frame.place = way.sent++;
  if (way.waiting.empty() && rate_of(connection) == NetworkPlan::kNoRate) return schedule(id, at);
  way.waiting.push_back(id);
  way.waiting_bytes += frame.bytes.size();
  if (way.waiting.size() == 1) start_wire(frame.connection, frame.to_server, at);
}

std::uint64_t Network::rate_of(const Connection& connection) const {
  for (auto throttle = throttles_.rbegin(); throttle != throttles_.rend(); ++throttle) {
    if (between(connection, throttle->between)) return throttle->rate;
  }
  return plan_.network.rate;
}

// The first frame that waits goes onto the wire. The rate that it finds there is its own to the
// end.
void Network::start_wire(ConnectionId id, bool to_server, Micros at) {
  auto& connection = connections_[id];
  auto& way = to_server ? connection.out : connection.back;
  const auto rate = rate_of(connection);
  if (rate != NetworkPlan::kNoRate) begin_watch(id);
  const auto& frame = frames_[way.waiting.front()];
  const auto bytes = frame.bytes.size() + kFrameBytes;
  const auto takes =
      rate == NetworkPlan::kNoRate ? 0 : bytes * 1000000 / std::max<std::uint64_t>(rate, 1);
  events_.add(std::max(at, frame.left) + Micros{static_cast<std::int64_t>(takes)}, EventKind::kWire,
              0, std::uint64_t{id} << 1 | (to_server ? 1 : 0));
}

void Network::wire_over(std::uint64_t detail) {
  const auto id = static_cast<ConnectionId>(detail >> 1);
  const bool to_server = (detail & 1) != 0;
  auto& connection = connections_[id];
  auto& way = to_server ? connection.out : connection.back;
  if (way.ended) {
    for (const auto frame : std::exchange(way.waiting, {})) free_frame(frame);
    way.waiting_bytes = 0;
    return;
  }
  way.waiting_bytes -= frames_[way.waiting.front()].bytes.size();
  schedule(way.waiting.front(), events_.now());
  way.waiting.pop_front();
  if (!way.waiting.empty()) start_wire(id, to_server, events_.now());
}

void Network::throttle(const std::vector<NodeIndex>& first, const std::vector<NodeIndex>& second,
                       std::uint64_t rate) {
  throttles_.push_back({parting_of(first, second), rate});
}

void Network::begin_watch(ConnectionId id) {
  auto& connection = connections_[id];
  if (std::exchange(connection.is_watched, true)) return;
  connection.last_heard = events_.now();
  events_.add(events_.now() + kPingInterval, EventKind::kWatch, connection.dialer, id);
}

bool Network::watch(ConnectionId id, bool dialer_is_paused) {
  auto& connection = connections_[id];
  connection.is_watched = false;
  if (!connection.open) return false;
  const bool is_slow = !connection.out.waiting.empty() || !connection.back.waiting.empty() ||
                       rate_of(connection) != NetworkPlan::kNoRate;
  if (!is_slow) return false;
  // One that stood still itself has not looked either.
  if (dialer_is_paused) connection.last_heard = events_.now();
  const auto heard = connection.last_heard;
  if (events_.now() - heard > kPeerTimeout) return true;
  if (events_.now() - heard >= kPingInterval && has_room(connection.out)) {
    send(make_frame(id, true, FrameSort::kPing), events_.now());
  }
  connection.is_watched = true;
  events_.add(events_.now() + kPingInterval, EventKind::kWatch, connection.dialer, id);
  return false;
}

void Network::schedule(FrameId id, Micros at) {
  const auto& frame = frames_[id];
  auto& connection = connections_[frame.connection];
  auto& way = way_of(connection, frame);
  const auto arrival =
      at + plan_.network.delay + chance(connection).between(Micros{0}, plan_.network.jitter);
  way.last_arrival = std::max(way.last_arrival, arrival);
  events_.add(way.last_arrival, EventKind::kArrive, 0, id);
}

bool Network::arrive(FrameId id) {
  const auto& frame = frames_[id];
  auto& connection = connections_[frame.connection];
  auto& way = way_of(connection, frame);
  if (way.ended) {
    free_frame(id);
    return false;
  }
  if (is_blocked(connection.dialer, connection.server)) {
    way.stalled.push_back(id);
    return false;
  }
  if (frame.place != way.arrived) {
    way.early.push_back(id);
    return false;
  }
  ++way.arrived;
  if (!frame.to_server) connection.last_heard = events_.now();
  const auto next = std::ranges::find(way.early, way.arrived,
                                      [this](FrameId early) { return frames_[early].place; });
  if (next != way.early.end()) {
    events_.add(events_.now(), EventKind::kArrive, 0, *next);
    way.early.erase(next);
  }
  return true;
}

bool Network::has_room(const Connection::Way& way) const {
  return way.frames < plan_.network.pipe_frames || way.bytes < plan_.network.buffer_bytes;
}

bool Network::takes_requests(ConnectionId id) {
  auto& way = connections_[id].out;
  way.wants_room = !has_room(way);
  return !way.wants_room;
}

bool Network::is_blocked(NodeIndex a, NodeIndex b) const {
  return std::ranges::any_of(partings_,
                             [&](const Parting& parting) { return parting.parts(a, b); });
}

Network::Parting Network::parting_of(const std::vector<NodeIndex>& first,
                                     const std::vector<NodeIndex>& second) const {
  Parting out{std::vector<std::uint8_t>(plan_.nodes.size())};
  for (const auto node : second) out.side[node] = 2;
  for (const auto node : first) out.side[node] = 1;
  return out;
}

void Network::part(const std::vector<NodeIndex>& first, const std::vector<NodeIndex>& second) {
  partings_.push_back(parting_of(first, second));
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    if (between(connections_[id], partings_.back())) await_silence(id);
  }
}

void Network::heal() {
  partings_.clear();
  throttles_.clear();
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    auto& connection = connections_[id];
    // One that has ended at the other side says so now, as soon as a packet reaches it.
    if (connection.open && !connection.lives) {
      events_.add(events_.now() + some_time(id, Micros{0}, kResend), EventKind::kNotice,
                  connection.dialer, id);
    }
    if (!paused_[connection.server] && connection.lives) connection.silence = 0;
    release_stalled(id, connection.out);
    release_stalled(id, connection.back);
  }
}

void Network::release_stalled(ConnectionId id, Connection::Way& way) {
  if (way.stalled.empty()) return;
  const auto again = events_.now() + some_time(id, Micros{0}, kResend);
  for (const auto frame : std::exchange(way.stalled, {})) {
    if (way.ended) {
      free_frame(frame);
    } else {
      schedule(frame, again);
    }
  }
}

void Network::cut(const std::vector<NodeIndex>& first, const std::vector<NodeIndex>& second) {
  const auto sets = parting_of(first, second);
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    if (connections_[id].lives && between(connections_[id], sets)) end(id);
  }
}

// The connection is lost with what is under way; the dialer notices, unless nothing gets through.
void Network::end(ConnectionId id) {
  auto& connection = connections_[id];
  connection.lives = false;
  connection.out.ended = connection.back.ended = true;
  if (!connection.open || is_blocked(connection.dialer, connection.server)) return;
  events_.add(events_.now() + some_time(id, Micros{0}, kNotice), EventKind::kNotice,
              connection.dialer, id);
}

void Network::killed(NodeIndex node) {
  paused_[node] = false;
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    auto& connection = connections_[id];
    if (connection.dialer != node && connection.server != node) continue;
    if (connection.dialer == node) connection.open = false;
    if (connection.lives || connection.server == node) end(id);
  }
}

std::vector<ConnectionId> Network::accepted_by(NodeIndex node) const {
  std::vector<ConnectionId> out;
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    if (connections_[id].server == node && connections_[id].accepted) out.push_back(id);
  }
  return out;
}

void Network::paused(NodeIndex node) {
  paused_[node] = true;
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    if (connections_[id].server == node) await_silence(id);
  }
}

void Network::resumed(NodeIndex node) {
  paused_[node] = false;
  for (auto& connection : connections_) {
    if (connection.server == node && !is_blocked(connection.dialer, node)) connection.silence = 0;
  }
}

void Network::close(ConnectionId id) {
  auto& connection = connections_[id];
  if (!connection.open) return;
  connection.open = connection.lives = false;
  connection.back.ended = true;
  if (chance(connection).chance(50)) connection.out.ended = true;
}

void Network::await_silence(ConnectionId id) {
  auto& connection = connections_[id];
  if (!connection.open || connection.silence != 0) return;
  wait_on(id);
}

void Network::wait_on(ConnectionId id) {
  auto& connection = connections_[id];
  connection.silence = ++stamps_;
  // It was last heard at most one PING ago.
  const auto left = kPeerTimeout - some_time(id, Micros{0}, kPingInterval);
  events_.add(events_.now() + left, EventKind::kSilence, connection.dialer, id, connection.silence);
}

bool Network::is_silent(ConnectionId id, std::uint64_t stamp) const {
  return connections_[id].open && connections_[id].silence == stamp;
}

}  // namespace kvmesh::sim
