#include "node/mesh/inbox.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <kvmesh/limits.h>
#include <spdlog/spdlog.h>

#include "common/text.h"
#include "node/mesh/routing_id.h"

namespace kvmesh::mesh {
namespace {

constexpr int kBacklog = 1024;
// Per connection; what it does not take waits in our own queue, whose bytes are bounded. A frame
// may have two mebibytes.
constexpr int kReplyQueueFrames = 16;
// Received; so that nobody's flood keeps the others waiting.
constexpr std::size_t kBytesPerPass = 1024 * 1024;
constexpr std::chrono::seconds kClientSilenceMax{30};
// The same when there is no room for more. Those that have ended say nothing, and those that live
// ping four times a second.
constexpr std::chrono::seconds kClientSilenceMaxFull{5};

}  // namespace

Inbox::Inbox(zmq::context_t& context, Options options, core::Core& core)
    : options_(std::move(options)), core_(core), socket_(context, zmq::socket_type::router) {
  socket_.set(zmq::sockopt::linger, 0);
  // A bound would let a peer abort the process; see node/ARCHITECTURE.md.
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::sndhwm, kReplyQueueFrames);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::router_handover, false);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kFrameBytesMax));
  socket_.set(zmq::sockopt::backlog, kBacklog);
  socket_.set(zmq::sockopt::handshake_ivl, 2000);
}

Status Inbox::bind() {
  try {
    socket_.set(zmq::sockopt::ipv6, options_.listen.find('[') != std::string::npos);
    socket_.bind(options_.listen);
    return {};
  } catch (const zmq::error_t& error) {
    const auto advice = error.num() == EADDRINUSE
                            ? "another process listens there; stop it or change mesh.listen"
                            : "change mesh.listen";
    return {StatusCode::kUnavailable, "mesh.listen: cannot listen on " + options_.listen + ": " +
                                          error.what() + "; " + advice};
  }
}

std::string Inbox::endpoint() const { return socket_.get(zmq::sockopt::last_endpoint); }

bool Inbox::receive(TimePoint now, int frames_max) {
  resume_held(now, kBytesPerPass);
  if (!look_for_frames_) return false;
  may_hide_input_ = true;
  const bool more = receive_some(now, frames_max, kBytesPerPass) && keep_up(now);
  if (!more) behind_since_.reset();
  return more;
}

// False when the socket has no more.
bool Inbox::receive_some(TimePoint now, int frames_max, std::size_t bytes_max) {
  std::size_t bytes = 0;
  for (int frames = 0; frames < frames_max && bytes < bytes_max; ++frames) {
    if (!identity_.receive(socket_.handle())) {
      look_for_frames_ = may_hide_input_ = false;
      return false;
    }
    if (!identity_.more() || !body_.receive(socket_.handle())) continue;
    bytes += body_.bytes().size();
    if (!body_.more()) {
      handle_message(identity_.bytes(), body_.bytes(), now);
      continue;
    }
    while (body_.more() && body_.receive(socket_.handle())) ++frames;
    refuse(identity_.bytes(), wire::Refusal::kMultipart, "a message is one frame");
  }
  return true;
}

bool Inbox::is_ready() {
  if (std::exchange(may_hide_input_, false)) {
    look_for_frames_ |= transport::poll_socket(socket_.handle()).input;
  }
  return look_for_frames_ || can_resume();
}

transport::Sent Inbox::send_to(std::string_view routing_id, wire::Buffer& frame,
                               const std::shared_ptr<transport::UnsentBytes>& unsent) {
  may_hide_input_ = true;
  return transport::send_frame_to(socket_.handle(), routing_id, frame, unsent);
}

void Inbox::handle_message(std::string_view routing_id, std::string_view body, TimePoint now) {
  const auto id = parse_routing_id(routing_id);
  if (!id) return refuse(routing_id, wire::Refusal::kIdentity, "set no routing id");
  if (taking_in_ && was_forgotten(*id)) return count(wire::Refusal::kFlood);
  const auto [frame, refusal] = wire::parse_frame(body);
  if (!frame) return refuse(routing_id, refusal, "that is no frame of this protocol version");
  auto* client = find(*id);
  if (taking_in_ && client != nullptr && !is_worth_an_answer(*client, frame->kind, now)) {
    return count(wire::Refusal::kFlood);
  }
  if (frame->kind == wire::FrameKind::kHello) return handle_hello(*id, frame->content, now);
  if (client == nullptr) return refuse(routing_id, wire::Refusal::kNoHello, "say HELLO first");
  client->last_heard = now;
  if (frame->kind == wire::FrameKind::kRequests) {
    handle_requests(*client, frame->content, now);
  } else if (frame->kind == wire::FrameKind::kPing) {
    wire::Buffer pong;
    wire::begin_frame(pong, wire::FrameKind::kPong);
    pong.append(frame->content);
    send_control(routing_id, pong);
  } else {
    refuse(routing_id, wire::Refusal::kKind, "a dialling side sends HELLO, REQUESTS and PING");
  }
}

void Inbox::handle_hello(std::uint32_t id, std::string_view content, TimePoint now) {
  const auto routing_id = routing_id_of(id);
  const auto hello = wire::decode_hello(content);
  if (!hello) return refuse(view(routing_id), wire::Refusal::kMalformed, "the HELLO is malformed");
  if (hello->version_min > wire::kProtocolVersion || hello->version_max < wire::kProtocolVersion) {
    return refuse(view(routing_id), wire::Refusal::kVersion,
                  "this node speaks protocol version 1 only");
  }
  if (!hello->name.empty() &&
      (!NodeName::parse(hello->name) || hello->name == options_.self.str())) {
    return refuse(
        view(routing_id), wire::Refusal::kMalformed,
        "the name " + in_quotes(hello->name) + " cannot be a peer of " + options_.self.str());
  }
  // Once a pass: it looks at all of them.
  if (clients_.size() >= limits::kMeshClientsMax && !clients_.contains(id) &&
      std::exchange(made_room_, now) != now) {
    forget_silent(now, kClientSilenceMaxFull);
  }
  if (clients_.size() >= limits::kMeshClientsMax && !clients_.contains(id)) {
    return refuse(view(routing_id), wire::Refusal::kFlood,
                  "this node has no room for more connections");
  }
  auto& client = clients_[id];
  if (client == nullptr || client->gone) {  // else it greets again, and keeps its replies
    // What libzmq still has of the replies of one that was forgotten goes on counting.
    auto unsent = client != nullptr ? std::move(client->unsent)
                                    : std::make_shared<transport::UnsentBytes>(unsent_);
    client = std::make_unique<Client>(id, std::move(unsent), *this);
  }
  client->name = hello->name;
  client->address = body_.peer_address();
  client->last_heard = now;
  counters_.clients.store(clients_.size(), std::memory_order_relaxed);
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("{} connected ({})", client->name.empty() ? "a client" : client->name,
                  in_quotes(hello->software));
  }

  wire::Buffer frame;
  wire::Welcome welcome;
  welcome.name = options_.self.str();
  welcome.software = options_.software;
  if (options_.table_epoch) welcome.table_epoch = options_.table_epoch();
  welcome.in_flight_max = limits::kInFlightPerLinkMax;
  welcome.in_flight_bytes_max = limits::kInFlightBytesPerLinkMax;
  wire::encode(frame, welcome);
  send_control(view(routing_id), frame);
  if (stopping_) say_goodbye(id);
}

void Inbox::handle_requests(Client& client, std::string_view run, TimePoint now) {
  // Behind requests that are held, so that they stay in order.
  const bool wait = taking_in_ || !client.held.empty();
  const auto rest = wait ? run : hand_on(client, run, std::nullopt, now);
  if (!rest.empty() && !client.gone) hold(client, rest);
}

// Gives a run of requests to the core, as long as the connection reads its replies; returns those
// that must wait until it does.
std::string_view Inbox::hand_on(Client& client, std::string_view run,
                                std::optional<TimePoint> held_since, TimePoint now) {
  Arrival arrival;
  if (held_since) {
    const auto waited = now - *held_since;
    arrival.waited_ms = static_cast<std::uint64_t>(waited / std::chrono::milliseconds{1});
    arrival.traced = held_since;
  }
  while (has_room_for_replies(client)) {
    std::optional<wire::Refusal> refusal;
    const auto requests = decode_some(client.id, run, arrival, refusal);
    core_.on_requests(requests, now);
    if (refusal) {
      const auto routing_id = routing_id_of(client.id);
      refuse(view(routing_id), *refusal,
             "a request record is broken; it and what follows it was not executed");
      return {};
    }
    if (run.empty()) return {};
  }
  return run;
}

// Takes the next requests off `run`, as many as the core takes at once.
std::span<const core::Core::Incoming> Inbox::decode_some(std::uint32_t connection,
                                                         std::string_view& run, Arrival& arrival,
                                                         std::optional<wire::Refusal>& refusal) {
  std::size_t count = 0;
  const auto count_max = run_max();
  while (count < count_max) {
    const auto record = wire::next_record(run, refusal);
    if (!record) break;
    const auto request = wire::decode_request(*record);
    if (!request) {
      refusal = wire::Refusal::kMalformed;
      break;
    }
    auto& next = decoded_[count++];
    next.origin = {options_.adapter, connection, request->id};
    next.request = *request;
    next.request.timeout_ms -= std::min(next.request.timeout_ms, arrival.waited_ms);
    next.arrived = request->traced() ? arrival.of_traced() : TimePoint{};
  }
  return {decoded_.data(), count};
}

void Inbox::refuse(std::string_view routing_id, wire::Refusal reason, std::string_view text) {
  auto& counter = counters_.refused[static_cast<std::size_t>(reason)];
  if (counter.value() == 0) {
    spdlog::warn("refused a frame ({}): {}; more of these are only counted",
                 wire::to_string(reason), text);
  }
  counter.add();
  if (taking_in_) return;  // answers would take the time that is missing
  wire::Buffer frame;
  wire::encode(frame, wire::Refused{StatusCode::kProtocolError, text});
  send_control(routing_id, frame);
}

Inbox::Client* Inbox::find(std::uint32_t id) {
  const auto found = clients_.find(id);
  return found == clients_.end() || found->second->gone ? nullptr : found->second.get();
}

std::string Inbox::address_of(const core::Origin& origin) const {
  const auto found = clients_.find(static_cast<std::uint32_t>(origin.connection));
  if (found == clients_.end() || found->second->address.empty()) return "a mesh client";
  return "a mesh client at " + found->second->address;
}

void Inbox::forget(Client& client) {
  counters_.dropped_replies.add();
  client.waiting.clear();
  release_held(client);
  client.gone = true;
}

void Inbox::send_control(std::string_view routing_id, wire::Buffer& frame) {
  // Lost when the far side has gone or reads nothing; it can expect no better then.
  (void)send_to(routing_id, frame);
}

void Inbox::tick(TimePoint now) { forget_silent(now, kClientSilenceMax); }

void Inbox::forget_silent(TimePoint now, std::chrono::milliseconds silence) {
  absl::erase_if(clients_, [&](const auto& entry) {
    const auto& client = *entry.second;
    const bool remember = !client.gone || behind_since_;  // so that it cannot greet again at once
    if (remember && now - client.last_heard <= silence) return false;
    release_held(*entry.second);
    return true;
  });
  counters_.clients.store(clients_.size(), std::memory_order_relaxed);
}

void Inbox::forget_clients() {
  clients_.clear();
  holding_.clear();
  counters_.clients.store(0, std::memory_order_relaxed);
}

void Inbox::say_goodbye() {
  stopping_ = true;
  for (const auto& [id, client] : clients_) say_goodbye(id);
}

void Inbox::say_goodbye(std::uint32_t id) {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kGoodbye);
  const auto routing_id = routing_id_of(id);
  send_control(view(routing_id), frame);
}

}  // namespace kvmesh::mesh
