#include "tests/scenario/mesh.h"

#include <algorithm>

#include "common/wire/frame.h"
#include "common/wire/record.h"
#include "tests/scenario/show.h"

namespace kvmesh::scenario {
namespace {

constexpr core::Core::Window kWide{1000, 1000000};

// The one record of a frame.
std::string_view record_of(std::string_view frame, wire::FrameKind kind) {
  const auto parsed = wire::parse_frame(frame);
  if (!parsed.frame || parsed.frame->kind != kind) return {};
  auto run = parsed.frame->content;
  std::optional<wire::Refusal> refusal;
  return wire::next_record(run, refusal).value_or(std::string_view{});
}

}  // namespace

void Mesh::add(const NodeName& name, std::vector<NodeName> peers, std::vector<core::Via> vias) {
  if (find(name.str()) != nullptr) return say("?? " + name.str() + " is there already");
  nodes_.push_back(std::make_unique<Node>(*this, name, std::move(peers), std::move(vias)));
}

void Mesh::kill(const std::string& name) {
  if (find(name) == nullptr) return say("?? no node " + name);
  std::erase_if(nodes_, [&](const auto& node) { return node->name() == name; });
  for (auto& c : connections_) {
    if (c.from == name || c.to == name) c.lives = false;
    if (c.from == name) c.open = false;
  }
  for (auto& c : connections_) {
    if (c.open && c.to == name) down(c.from, c.to, "connection closed");
  }
}

void Mesh::connect(const std::string& from, const std::string& to, core::Core::Window window) {
  Node* node = find(from);
  if (node == nullptr || find(to) == nullptr) return say("?? no such nodes");
  if (auto* old = latest(from, to)) old->open = old->lives = false;
  connections_.emplace_back();
  connections_.back().from = from;
  connections_.back().to = to;
  node->core().on_peer_up(index_of(*node, to), window);
}

void Mesh::connect_all() {
  for (const auto& node : nodes_) {
    for (const auto& peer : node->peers()) {
      if (find(peer.str()) != nullptr) connect(node->name(), peer.str(), kWide);
    }
  }
}

void Mesh::down(const std::string& from, const std::string& to, const std::string& why) {
  Node* node = find(from);
  auto* link = latest(from, to);
  if (node == nullptr || link == nullptr) return say("?? no such link");
  link->open = false;
  node->core().on_peer_down(index_of(*node, to), why);
}

void Mesh::unsent(const std::string& from, const std::string& to) {
  Node* node = find(from);
  auto* link = latest(from, to);
  if (node == nullptr || link == nullptr) return say("?? no such link");
  for (const auto& frame : std::exchange(link->requests, {})) {
    const auto request = wire::decode_request(record_of(frame.bytes, wire::FrameKind::kRequests));
    if (request) node->core().on_unsent(request->id);
  }
}

void Mesh::duplicate_reply(const std::string& from, const std::string& to) {
  auto* link = latest(to, from);
  if (link == nullptr || link->replies.empty()) return say("?? no reply is under way");
  link->replies.push_back(link->replies.front());
  link->replies.back().sent = ++sent_;
}

void Mesh::forge_reply(const std::string& from, const std::string& to, const ReplyView& reply) {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kReplies);
  wire::append_reply(frame, reply, reply.id);
  Connection forged;
  forged.from = to;
  forged.to = from;
  deliver_reply(forged, std::string{frame.view()});
}

bool Mesh::step() {
  return deliver_oldest([](std::string_view, std::string_view) { return true; });
}

bool Mesh::step(std::string_view from, std::string_view to) {
  return deliver_oldest(
      [&](std::string_view a, std::string_view b) { return a == from && b == to; });
}

// Of the frames whose sender and receiver are wanted.
template <typename Wanted>
bool Mesh::deliver_oldest(Wanted wanted) {
  std::deque<Connection::Frame>* oldest = nullptr;
  std::size_t at = 0;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    auto& c = connections_[i];
    if (!c.lives) continue;
    for (auto* queue : {&c.requests, &c.replies}) {
      const bool out = queue == &c.requests;
      if (!wanted(out ? c.from : c.to, out ? c.to : c.from)) continue;
      if (queue->empty() || (oldest != nullptr && oldest->front().sent < queue->front().sent)) {
        continue;
      }
      oldest = queue;
      at = i;
    }
  }
  if (oldest == nullptr) return false;
  const bool is_request = oldest == &connections_[at].requests;
  const auto frame = std::move(oldest->front().bytes);
  oldest->pop_front();
  is_request ? deliver_request(at, frame) : deliver_reply(connections_[at], frame);
  return true;
}

void Mesh::deliver_request(std::size_t connection, const std::string& frame) {
  const auto request = wire::decode_request(record_of(frame, wire::FrameKind::kRequests));
  Node* node = find(connections_[connection].to);
  if (!request || node == nullptr) return say("?? a request cannot be delivered");
  node->ask({1, connection, request->id}, *request);
}

void Mesh::deliver_reply(const Connection& connection, const std::string& frame) {
  const auto reply = wire::decode_reply(record_of(frame, wire::FrameKind::kReplies));
  Node* node = find(connection.from);
  if (!reply || node == nullptr) return say("?? a reply cannot be delivered");
  // Nobody reads a connection to one that is no peer any more.
  if (std::ranges::find(node->peers(), connection.to, &NodeName::str) == node->peers().end())
    return;
  const auto& counters = node->core().counters();
  const auto late = counters.late_replies.value();
  const auto forged = counters.forged_replies.value();
  node->core().on_reply(index_of(*node, connection.to), *reply);
  const auto from = " reply " + show(reply->id) + " from " + connection.to;
  if (counters.late_replies.value() > late) say(node->name() + " drops the late" + from);
  if (counters.forged_replies.value() > forged) say(node->name() + " drops the forged" + from);
}

void Mesh::tick() {
  for (const auto& node : nodes_) node->core().on_tick(now_);
}

void Mesh::check() {
  for (const auto& node : nodes_) {
    if (!node->owes_what_is_in_flight()) say("?? " + node->name() + " lost count of what it owes");
  }
}

Node* Mesh::find(std::string_view name) {
  const auto found = std::ranges::find(nodes_, name, [](const auto& n) { return n->name(); });
  return found == nodes_.end() ? nullptr : found->get();
}

PeerIndex Mesh::index_of(const Node& node, std::string_view peer) {
  const auto found = std::ranges::find(node.peers(), peer, &NodeName::str);
  if (found == node.peers().end()) {
    say("?? " + node.name() + " has no peer " + std::string{peer});
    return {};
  }
  return {static_cast<std::uint16_t>(found - node.peers().begin())};
}

Connection* Mesh::latest(std::string_view from, std::string_view to) {
  const auto found = std::find_if(connections_.rbegin(), connections_.rend(),
                                  [&](const auto& c) { return c.from == from && c.to == to; });
  return found == connections_.rend() ? nullptr : &*found;
}

void Mesh::send_request(const std::string& from, const std::string& to, std::string frame) {
  auto* link = latest(from, to);
  if (link == nullptr || !link->open) return say("?? sent over a link that is down");
  link->requests.push_back({++sent_, std::move(frame)});
}

void Mesh::send_reply(std::size_t connection, std::string_view from, std::string frame) {
  auto& link = connections_[connection];
  if (!link.lives) return say(std::string{from} + " has nobody there to take it");
  link.replies.push_back({++sent_, std::move(frame)});
}

}  // namespace kvmesh::scenario
