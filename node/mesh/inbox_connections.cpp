// Which connections the inbox keeps: it forgets those that say nothing, ends those that take too
// much, and lets none in while there are no descriptors for them.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

#include "node/mesh/inbox.h"
#include "node/mesh/routing_id.h"

namespace kvmesh::mesh {
namespace {

constexpr std::chrono::seconds kClientSilenceMax{30};
// Between two warnings that there are no descriptors.
constexpr std::chrono::minutes kScarcityTold{1};
constexpr std::string_view kSayHello = "say HELLO first";  // as common/PROTOCOL.md has it
// Frees what forgotten clients left, in one pass.
constexpr std::chrono::microseconds kBuryTime{1000};
// When a send was taken so long after a HELLO, its connection still was there when the HELLO was
// read: libzmq tells of an end within a few milliseconds.
constexpr std::chrono::milliseconds kEndIsKnown{200};

// Descriptors that nobody connects to the mesh port with: for files, links, and what comes between
// two ticks.
int kept_back(int descriptors) { return std::clamp(descriptors / 8, 8, 256); }

const char* to_string(Forgotten::Why why) {
  switch (why) {
    case Forgotten::Why::kStalled:
      return "was connected before this process stalled";
    case Forgotten::Why::kSilent:
      return "was forgotten, as it was silent";
    case Forgotten::Why::kGone:
      return "was forgotten, as its replies could not be delivered or it sent more than its window";
    case Forgotten::Why::kRevoked:
      return "was forgotten, as its key is not let in any more";
  }
  return "";
}

int descriptors_allowed() {
  rlimit limit{};
  constexpr rlim_t kMost = 1 << 30;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return static_cast<int>(kMost);
  return static_cast<int>(std::min(limit.rlim_cur, kMost));
}

}  // namespace

void Inbox::tick(TimePoint now) {
  const bool more = in_parts_ || transport::poll_socket(socket_.handle()).input;
  look_for_frames_ = true;
  if (!more) ++emptied_;
  descriptors_ = descriptors_allowed();
  const auto back = kept_back(descriptors_);
  if (door_is_open_ && !has_descriptors(back)) close_door(now);
  for (const auto& [why, socket] : doorkeeper_.look(now, {!more, !has_descriptors(2 * back)})) {
    if (counters_.ended.value() == 0) {
      spdlog::warn("ended a connection to the mesh port: {}; more of these are only counted",
                   to_string(why));
    }
    counters_.ended.add();
  }
  end_condemned(now);
  if (!door_is_open_ && has_descriptors(2 * back)) door_is_open_ = doorkeeper_.set_closed(false);
}

bool Inbox::has_descriptors(int spare) const {
  return doorkeeper_.spares().is_free_below(descriptors_ - spare);
}

// libzmq goes on accepting when there are no descriptors, as fast as it can, and fails. So
// newcomers are let in only while there are. (To unbind would end all connections.)
void Inbox::close_door(TimePoint now) {
  if (!doorkeeper_.set_closed(true)) return;
  door_is_open_ = false;
  if (told_of_scarcity_ && now - *told_of_scarcity_ <= kScarcityTold) return;
  told_of_scarcity_ = now;
  spdlog::warn(
      "nearly all of the {} files that this process may open are open: the mesh port takes no "
      "more connections until some are closed; raise the limit (ulimit -Hn, LimitNOFILE=)",
      descriptors_);
}

// The number that a frame tells is its connection's as long as that lives. A frame that came after
// the inbox was empty came from a connection that lived then, later than its HELLO was read; if the
// number was the same socket's then and is now, that is the connection's.
void Inbox::make_sure_of_socket(Client& client) {
  if (client.met_at == emptied_ || client.socket.cookie == 0) return;
  const auto socket = socket_at(body_.source_fd());
  client.socket_is_sure = socket == client.socket;
  client.socket = socket;
  client.met_at = emptied_;
}

// Ends a connection that sends beyond its window while this node is behind.
void Inbox::end_flood(Client& client) {
  if (!client.socket_is_sure) {
    // It may flood so that the inbox never is empty.
    const auto now = std::chrono::steady_clock::now();
    if (client.socket.cookie == 0 || now - client.greeted < kEndIsKnown) return;
    (void)transport::poll_socket(socket_.handle());
    wire::Buffer frame;
    wire::encode(frame, wire::Refused{StatusCode::kOverloaded, "more was sent than the window"});
    const auto routing_id = routing_id_of(client.id);
    if (send_to(view(routing_id), frame) != transport::Sent::kTaken) return;
  }
  if (doorkeeper_.end(client.socket)) counters_.ended.add();
}

void Inbox::forget(Client& client) {
  counters_.dropped_replies.add();
  client.waiting.clear();
  release_held(client);
  client.gone = true;
  forgotten_.add(client.id, client.name, Forgotten::Why::kGone);
}

// Of one that was forgotten it is no fault to go on: it cannot know.
void Inbox::refuse_unknown(std::uint32_t id) {
  const auto routing_id = routing_id_of(id);
  constexpr auto kReason = wire::Refusal::kNoHello;
  const auto* known = forgotten_.find(id);
  if (known == nullptr) return refuse(view(routing_id), kReason, kSayHello);
  if (forgotten_.is_first(known->why)) {
    spdlog::info("{} {}, and is told to connect again; more of these are only counted",
                 sender(view(routing_id)), to_string(known->why));
  }
  refuse_unlogged(view(routing_id), kReason, kSayHello);
}

// A link pings often enough, whatever else it sends.
void Inbox::look_for_twin(const Client& client, TimePoint now) {
  const auto twin = twins_.heard(client.name, client.incarnation, now);
  if (!twin) return;
  const auto place = [](const std::string& address) {
    return address.empty() ? std::string{"an unknown address"} : address;  // ipc
  };
  // Once in Twins::kTold.
  const auto stolen = !options_.key
                          ? ""
                          : "; if one of them is not yours, somebody has its key, " +
                                client.identity.key.fingerprint() +
                                "...: add it to revoked in the file of mesh.security, and reload";
  spdlog::warn(
      "two nodes run as {} and have connected: one at {}, another at {}; stop one of them and give "
      "it a name of its own: each holds buckets that requests which go to the other do not find{}",
      client.name, place(client.address), place(*twin), stolen);
}

void Inbox::sweep(TimePoint now) { forget_silent(now, kClientSilenceMax); }

void Inbox::forget_silent(TimePoint now, std::chrono::milliseconds silence) {
  absl::erase_if(clients_, [&](auto& entry) {
    auto& client = *entry.second;
    const bool remember = !client.gone || behind_since_;  // so that it cannot greet again at once
    if (remember && now - client.last_heard <= silence) return false;
    if (!client.gone) forgotten_.add(client.id, client.name, Forgotten::Why::kSilent);
    release_held(client);
    buried_.push_back(std::move(entry.second));
    return true;
  });
  counters_.clients.store(clients_.size(), std::memory_order_relaxed);
}

void Inbox::on_pause() {
  forgotten_.begin_stall();
  for (auto& [id, client] : clients_) {
    if (!client->gone) forgotten_.add(id, client->name, Forgotten::Why::kStalled);
    buried_.push_back(std::move(client));
  }
  clients_.clear();
  holding_.clear();
  counters_.clients.store(0, std::memory_order_relaxed);
}

// What they left may be hundreds of mebibytes in small pieces.
void Inbox::bury_some() {
  if (buried_.empty()) return;
  const auto until = std::chrono::steady_clock::now() + kBuryTime;
  while (!buried_.empty() && std::chrono::steady_clock::now() < until) buried_.pop_back();
}

}  // namespace kvmesh::mesh
