// Who is at the other end of a connection: what its key proves, and what becomes of those whose key
// is not let in any more.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <kvmesh/limits.h>
#include <spdlog/spdlog.h>

#include "common/text.h"
#include "common/transport/stamp_clock.h"
#include "node/mesh/inbox.h"
#include "node/mesh/routing_id.h"
#include "node/mesh/zap_handler.h"

namespace kvmesh::mesh {
namespace {

// A connection that is heard of within it is alive: links ping four times a second.
constexpr std::chrono::seconds kAliveSilence{1};
// When a send is taken so long after a frame, the frame's connection was there when it was read.
constexpr std::chrono::milliseconds kSocketIsKnown{200};
constexpr std::size_t kCondemnedMax = 1024;
constexpr std::size_t kClientsOfOneMax = limits::kMeshClientsMax / 4;
constexpr std::chrono::seconds kCrowdedFor{1};  // counting takes a millisecond
constexpr std::string_view kLetInNoMore = "its key is not let in any more";

}  // namespace

void Inbox::welcome(Client& client, const wire::Hello& hello, TimePoint now) {
  client.name = hello.name;
  client.incarnation = hello.incarnation;
  client.address = body_.peer_address();
  twins_.greeted(client.name, client.incarnation, client.address, now);
  client.last_heard = now;
  if (client.greeted == TimePoint{}) {
    client.greeted = now;
    client.socket = doorkeeper_.greeted(body_.source_fd(), now);
    // The doorkeeper knows none of ipc; those can be revoked, too.
    if (options_.key && client.socket.cookie == 0) client.socket = socket_at(body_.source_fd());
    client.met_at = emptied_;
    tell_audit(core::AuditEvent::Kind::kConnected, client, "mesh");
  }
  counters_.clients.store(clients_.size(), std::memory_order_relaxed);
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("{} connected ({})", client.name.empty() ? "a client" : client.name,
                  in_quotes(hello.software));
  }

  wire::Buffer frame;
  // From the HELLO on: the first frame of a connection is the one that waits for nothing.
  client.age.reset();
  if (hello.clock_us > 0) client.age.observe(hello.clock_us, transport::stamp_now_us());
  client.tells_read = hello.tells_read;
  wire::Welcome welcome;
  welcome.version = std::min(version_max(), hello.version_max);
  welcome.takes_timed = true;
  welcome.name = options_.self.str();
  welcome.software = options_.software;
  if (options_.table_epoch) welcome.table_epoch = options_.table_epoch();
  welcome.in_flight_max = limits::kInFlightPerLinkMax;
  welcome.in_flight_bytes_max = limits::kInFlightBytesPerLinkMax;
  wire::encode(frame, welcome);
  const auto routing_id = routing_id_of(client.id);
  send_control(view(routing_id), frame);
  if (stopping_) say_goodbye(client.id);
}

// What the key of the connection that the HELLO came over says it is; empty: it was refused. What
// libzmq tells is of the handshake: the principals may be others since.
std::optional<Inbox::Identity> Inbox::identify(std::uint32_t id, const wire::Hello& hello,
                                               TimePoint now) {
  Identity out;
  if (!options_.key) return out;
  out.principal = body_.property("User-Id");
  const auto refuse_for = [&](const std::string& why) {
    refuse_identity(id, out, why, now);
    return std::nullopt;
  };
  const auto key = security::PublicKey::parse(body_.property(ZapHandler::kKeyProperty));
  if (!key) return refuse_for("the connection has no key");
  out.key = *key;
  const auto principals = options_.principals->get();  // a reload swaps them at any moment
  const auto* principal = principals->by_key(out.key);
  if (principal == nullptr || principal->name != out.principal) {
    return refuse_for(std::string{kLetInNoMore});
  }
  const bool is_node = principal->is_node;
  if (!is_node && !hello.name.empty()) {
    return refuse_for("the key is that of the user " + out.principal +
                      ", who cannot connect as the node " + in_quotes(hello.name));
  }
  if (is_node && hello.name != out.principal) {
    return refuse_for("the key is that of the node " + out.principal +
                      (hello.name.empty()
                           ? ", which cannot connect as a client; make a key for a user"
                           : ", which cannot connect as " + in_quotes(hello.name)));
  }
  if (!is_node && has_too_many(out, now)) {
    return refuse_for(out.principal + " has " + std::to_string(kClientsOfOneMax) +
                      " connections already, as many as one user may");
  }
  if (const auto* other = other_of(out, hello, now); other != nullptr) {
    return refuse_for("the node " + out.principal + " is connected already, with another key, " +
                      other->identity.key.fingerprint() + "..., from " +
                      (other->address.empty() ? "an unknown address" : other->address));
  }
  return out;
}

// Nodes, and other users, find room too. Of one that has left the socket is closed.
bool Inbox::has_too_many(const Identity& identity, TimePoint now) {
  if (clients_.size() < kClientsOfOneMax) return false;
  if (const auto known = crowded_until_.find(identity.principal);
      known != crowded_until_.end() && now < known->second) {
    return true;
  }
  const auto count = std::ranges::count_if(clients_, [&](const auto& entry) {
    const auto& client = *entry.second;
    return !client.gone && client.identity.principal == identity.principal &&
           client.socket.cookie != 0 && socket_at(client.socket.fd) == client.socket;
  });
  const bool too_many = static_cast<std::size_t>(count) >= kClientsOfOneMax;
  if (too_many) {
    crowded_until_.insert_or_assign(identity.principal, now + kCrowdedFor);
  } else {
    crowded_until_.erase(identity.principal);
  }
  return too_many;
}

// A living connection of the same node by another key; not of the same process, which may be
// changing its key.
const Inbox::Client* Inbox::other_of(const Identity& identity, const wire::Hello& hello,
                                     TimePoint now) const {
  if (hello.name.empty()) return nullptr;
  for (const auto& [id, client] : clients_) {
    if (client->gone || client->name != hello.name || client->identity.key == identity.key ||
        client->incarnation == hello.incarnation || now - client->last_heard > kAliveSilence) {
      continue;
    }
    if (client->socket.cookie != 0 && socket_at(client->socket.fd) == client->socket) {
      return client.get();
    }
  }
  return nullptr;
}

// It is told why, and ended a moment later.
void Inbox::refuse_identity(std::uint32_t id, const Identity& identity, const std::string& why,
                            TimePoint now) {
  Refusals::Refused refused;
  refused.from = body_.peer_address();
  refused.principal = identity.principal;
  const auto fingerprint =
      identity.key == security::PublicKey{} ? std::string{} : identity.key.fingerprint();
  refused.fingerprint = fingerprint;
  refused.why = why;
  refusals_.tell(refused, now);
  const auto routing_id = routing_id_of(id);
  refuse_unlogged(view(routing_id), wire::Refusal::kKey, why);
  if (auto* client = find(id); client != nullptr) {
    return revoke(*client, why);
  }
  if (condemned_.size() < kCondemnedMax) {  // else the doorkeeper does it, for want of a HELLO
    condemned_.push_back({id, socket_at(body_.source_fd()), now});
  }
}

bool Inbox::may_stay(const Identity& identity) const {
  const auto principals = options_.principals->get();
  const auto* principal = principals->by_key(identity.key);
  return principal != nullptr && principal->name == identity.principal;
}

void Inbox::on_principals() {
  if (!options_.key) return;
  for (const auto& [id, client] : clients_) {
    if (client->gone || may_stay(client->identity)) continue;
    spdlog::info("the connection of {} from {} is ended: its key {}... is not let in any more",
                 client->identity.principal,
                 client->address.empty() ? "an unknown address" : client->address,
                 client->identity.key.fingerprint());
    revoke(*client, kLetInNoMore);
  }
}

Status Inbox::take_key(const security::SecretKey& key) {
  if (!options_.key || key.public_key() == options_.key->public_key()) return {};
  const auto use = [this](const security::SecretKey& one) {
    const auto bytes = one.bytes();
    return zmq_setsockopt(socket_.handle(), ZMQ_CURVE_SECRETKEY, bytes.data(), bytes.size()) == 0;
  };
  if (!use(key)) return {StatusCode::kInternal, "libzmq does not take the key"};
  if (auto status = listening_->begin_anew(); !status.ok()) {
    (void)use(*options_.key);
    return status;
  }
  doorkeeper_.listens_at(listening_->descriptor());
  options_.key = key;
  return {};
}

// A client that says who asks, or that a request has passed nodes; a node whose requests did not
// pass it last. No kvmesh does that.
void Inbox::end_impostor(Client& client, TimePoint now) {
  const std::string why = client.name.empty()
                              ? "only nodes may say who asks, or that a request has passed nodes"
                              : "the path of a request does not end with " + client.name;
  const auto fingerprint = client.identity.key.fingerprint();
  refusals_.tell({client.address, client.identity.principal, fingerprint, why, {}}, now);
  const auto routing_id = routing_id_of(client.id);
  refuse_unlogged(view(routing_id), wire::Refusal::kKey, why);
  revoke(client, why);
}

// Nothing that it has sent is executed from now on.
void Inbox::revoke(Client& client, std::string_view why) {
  tell_audit(core::AuditEvent::Kind::kEnded, client, why);
  client.waiting.clear();
  release_held(client);
  client.gone = true;
  forgotten_.add(client.id, client.name, Forgotten::Why::kRevoked);
  if (client.socket_is_sure && doorkeeper_.end(client.socket)) return counters_.ended.add();
  condemned_.push_back({client.id, client.socket, client.last_heard});
}

// The number that a frame told is its connection's if that still lived when the number was looked
// at. A send that the ROUTER takes later proves it.
void Inbox::end_condemned(TimePoint now) {
  if (condemned_.empty()) return;
  (void)transport::poll_socket(socket_.handle());
  std::erase_if(condemned_, [&](const Condemned& one) {
    if (now - one.since < kSocketIsKnown) return false;
    wire::Buffer frame;
    wire::encode(frame, wire::Refused{StatusCode::kDenied, "this connection is ended"});
    const auto routing_id = routing_id_of(one.id);
    const auto sent = send_to(view(routing_id), frame);
    // Nor is there a queue that is full without a connection.
    if (sent != transport::Sent::kGone && doorkeeper_.end(one.socket)) counters_.ended.add();
    return true;
  });
}

void Inbox::tell_audit(core::AuditEvent::Kind kind, const Client& client,
                       std::string_view what) const {
  if (options_.audit == nullptr || !options_.key) return;
  const auto fingerprint = client.identity.key.fingerprint();
  core::AuditEvent event;
  event.kind = kind;
  event.principal = client.identity.principal;
  event.fingerprint = fingerprint;
  event.from = client.address;
  event.what = what;
  options_.audit->tell(event);
}

std::string_view Inbox::principal_of(const core::Origin& origin) const {
  const auto found = clients_.find(static_cast<std::uint32_t>(origin.connection));
  if (found == clients_.end()) return {};
  return found->second->identity.principal;
}

}  // namespace kvmesh::mesh
