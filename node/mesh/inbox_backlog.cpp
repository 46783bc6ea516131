// What the inbox has read and does not execute yet: requests of those who do not read their
// replies, and of everybody while more comes than this node can execute.

#include <algorithm>
#include <utility>

#include "node/mesh/inbox.h"

namespace kvmesh::mesh {
namespace {

// Of all connections together: each may have held as much as is left of it (node/mesh/README.md,
// "Held requests"). So four that flood it can each pass their window, and are forgotten at once,
// before the room is scarce for all.
constexpr std::size_t kHeldBytesMax = 6 * HeldRequests::kWindowBytes;
// So long the socket may have more than a pass takes before it is read ahead. Those that keep to
// their windows are back to waiting for replies by then, as a rule.
constexpr std::chrono::milliseconds kBehindMax{100};
// Of one pass that reads ahead, when there is so much: most of its time, for libzmq goes on reading
// while this thread does something else.
constexpr std::chrono::milliseconds kAheadTime{8};
constexpr int kFramesAhead = 1024;  // between two looks at the clock
constexpr std::size_t kBytesAhead = 1024 * 1024;
// Of held requests that are executed in one pass.
constexpr std::size_t kBytesResumed = 1024 * 1024;

}  // namespace

// libzmq reads whatever is sent, as its queue has no bound. When more comes than is executed for so
// long, that queue is emptied into ours, whose bytes are counted. False when the socket has no
// more.
bool Inbox::keep_up(TimePoint now) {
  if (!behind_since_) behind_since_ = now;
  if (now - *behind_since_ < kBehindMax) return true;
  taking_in_ = true;
  const auto until = std::chrono::steady_clock::now() + kAheadTime;
  bool more = true;
  while (more && std::chrono::steady_clock::now() < until) {
    more = receive_some(now, kFramesAhead, kBytesAhead);
  }
  taking_in_ = false;
  return more;
}

// Known while reading ahead, so that a connection that was forgotten does not begin anew with a
// HELLO, and what it still sends costs a look into a table.
bool Inbox::was_forgotten(std::uint32_t id) const {
  const auto found = clients_.find(id);
  return found != clients_.end() && found->second->gone;
}

// While it reads ahead it answers one PING of a connection in a pass, which is more than anybody
// needs who wants to know whether this node lives, and no second HELLO.
bool Inbox::is_worth_an_answer(Client& client, wire::FrameKind kind, TimePoint now) {
  if (kind == wire::FrameKind::kHello) return false;
  if (kind != wire::FrameKind::kPing) return true;
  return std::exchange(client.last_ping, now) != now;
}

bool Inbox::has_room_for_all(const Client& client, std::size_t bytes) const {
  return client.held.bytes() + bytes <= kHeldBytesMax - held_bytes_.bytes();
}

// Since the inbox is behind. Without it many that send beyond their windows would only be answered
// again and again: what is left to each of the bound of all is less than the window.
std::size_t Inbox::refused_bytes(Client& client) const {
  if (std::exchange(client.refused_since, behind_since_) != behind_since_) client.refused_bytes = 0;
  return client.refused_bytes;
}

void Inbox::hold(Client& client, std::string_view run, std::chrono::microseconds age) {
  const auto bytes = HeldRequests::cost(run);
  const bool beyond_window =
      client.held.bytes() + refused_bytes(client) + bytes > HeldRequests::kWindowBytes;
  if (beyond_window || !has_room_for_all(client, bytes)) {
    count(wire::Refusal::kFlood);
    // To answer each request would take longer than to send it; what is not executed is never
    // answered, and the next frame is refused: it did not say HELLO.
    if (taking_in_ && beyond_window) {
      end_flood(client);
      return forget(client);
    }
    if (behind_since_) client.refused_bytes += bytes;
    if (taking_in_) {  // no time for a text with figures
      return refuse_all(
          client, run,
          {StatusCode::kOverloaded,
           "this node is sent more than it can execute; the request was not executed"});
    }
    return refuse_all(
        client, run,
        {StatusCode::kOverloaded,
         "this connection leaves " + std::to_string(client.waiting.bytes()) +
             " bytes of replies unread and has " + std::to_string(client.held.bytes()) +
             " bytes of requests waiting (limit " + std::to_string(HeldRequests::kWindowBytes) +
             "), all connections together " + std::to_string(held_bytes_.bytes()) + " (limit " +
             std::to_string(kHeldBytesMax) + "); the request was not executed"});
  }
  if (client.held.empty()) holding_.push_back(client.id);
  client.held.add(run, std::chrono::steady_clock::now(), age);  // the pass's time may be long ago
}

void Inbox::release_held(Client& client) {
  if (client.held.bytes() == 0) return;  // not empty(): the piece of the oldest may be taken out
  std::erase(holding_, client.id);
  client.held.clear();
}

bool Inbox::can_resume() const {
  return std::ranges::any_of(holding_, [this](std::uint32_t id) {
    return may_resume(*clients_.at(id));  // whoever is forgotten leaves holding_ as well
  });
}

// One frame of each connection in turn, until so many bytes are executed or the turn is over.
void Inbox::resume_held(TimePoint now) {
  std::size_t bytes = 0;
  std::size_t waiting = 0;  // in a row, for their replies to be read
  while (waiting < holding_.size() && bytes < kBytesResumed && !turn_.is_over()) {
    const auto id = holding_.front();
    holding_.pop_front();
    auto& client = *clients_.at(id);
    if (may_resume(client)) {
      bytes += resume_one(client, now);
      waiting = 0;
    } else {
      ++waiting;
    }
    if (!client.held.empty()) holding_.push_back(id);
  }
}

// Executes the oldest held frame, as far as its connection reads replies; the bytes that it took.
std::size_t Inbox::resume_one(Client& client, TimePoint now) {
  auto oldest = client.held.take();
  const auto bytes = HeldRequests::cost(oldest.run());
  const auto rest = hand_on(client, oldest.run(), oldest.age(), oldest.arrived(), now);
  if (client.gone) return bytes;
  const auto left = rest.empty() ? 0 : HeldRequests::cost(rest);
  client.held.give_back(std::move(oldest), rest);
  return bytes - left;
}

void Inbox::refuse_all(Client& client, std::string_view run, const Status& status) {
  std::optional<wire::Refusal> refusal;
  while (const auto record = wire::next_record(run, refusal)) {
    const auto request = wire::decode_request(*record);
    if (!request) return;
    ReplyView answer;
    answer.id = request->id;
    answer.code = status.code();
    answer.text = status.text();
    reply({options_.adapter, client.id, request->id}, answer);
  }
}

}  // namespace kvmesh::mesh
