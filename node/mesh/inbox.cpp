#include "node/mesh/inbox.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <kvmesh/limits.h>
#include <spdlog/spdlog.h>

#include "common/text.h"
#include "common/transport/stamp_clock.h"
#include "common/transport/vanished_hosts.h"
#include "node/mesh/routing_id.h"
#include "node/mesh/zap_handler.h"

namespace kvmesh::mesh {
namespace {

constexpr int kBacklog = 1024;
// Per connection; what it does not take waits in our own queue, whose bytes are bounded. A frame
// may have two mebibytes.
constexpr int kReplyQueueFrames = 16;
// Received; so that nobody's flood keeps the others waiting.
constexpr int kFramesPerPass = 64;  // a frame holds up to some thousand requests
constexpr std::size_t kBytesPerPass = 1024 * 1024;
// Of reading and executing in one pass, and then of what was held: so a pass is short whatever is
// asked for, and neither keeps the other from going on.
constexpr std::chrono::microseconds kTurnTime{2000};
// Of a message in several, which take as long as one frame.
constexpr int kPartsPerFrame = 256;
// Of clients, when there is no room for more. Those that have ended say nothing, and those that
// live ping four times a second.
constexpr std::chrono::seconds kClientSilenceMaxFull{5};

}  // namespace

Inbox::Inbox(zmq::context_t& context, Options options, core::Core& core)
    : options_(std::move(options)),
      core_(core),
      socket_(context, zmq::socket_type::router),
      permits_(options_.principals),
      refusals_(options_.audit) {
  socket_.set(zmq::sockopt::linger, 0);
  // A bound would let a peer abort the process; see node/ARCHITECTURE.md.
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::sndhwm, kReplyQueueFrames);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::router_handover, false);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kFrameBytesMax));
  socket_.set(zmq::sockopt::backlog, kBacklog);
  socket_.set(zmq::sockopt::handshake_ivl, 2000);
  transport::find_vanished_hosts(socket_);
}

Status Inbox::bind(const std::string& endpoint, int descriptor) {
  try {
    if (options_.key) {
      if (auto status = ZapHandler::guard(socket_, *options_.key); !status.ok()) return status;
      if (auto status = ZapHandler::watch(socket_); !status.ok()) return status;
    }
    socket_.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string::npos);
    if (descriptor >= 0) socket_.set(zmq::sockopt::use_fd, descriptor);
    socket_.bind(endpoint);
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
    doorkeeper_.open(endpoint_);
    if (options_.key) doorkeeper_.expect_keys();
    listening_.emplace(socket_, endpoint_,
                       descriptor >= 0 ? descriptor : doorkeeper_.listener().fd);
    return {};
  } catch (const zmq::error_t& error) {
    const auto advice = error.num() == EADDRINUSE
                            ? "another process listens there; stop it or change mesh.listen"
                            : "change mesh.listen";
    return {StatusCode::kUnavailable, "mesh.listen: cannot listen on " + options_.listen + ": " +
                                          error.what() + "; " + advice};
  }
}

bool Inbox::receive(TimePoint now) {
  bury_some();
  bool more = false;
  if (look_for_frames_) {
    may_hide_input_ = true;
    turn_.begin(kTurnTime);
    more = receive_some(now, kFramesPerPass, kBytesPerPass) && keep_up(now);
    if (!more) behind_since_.reset();
  }
  turn_.begin(kTurnTime);
  resume_held(now);
  return more;
}

// False when the socket has no more.
bool Inbox::receive_some(TimePoint now, int frames_max, std::size_t bytes_max) {
  std::size_t bytes = 0;
  for (int frames = 0; frames < frames_max && bytes < bytes_max; ++frames) {
    if (in_parts_) {
      pass_over_parts();
      continue;
    }
    if (!identity_.receive(socket_.handle())) {
      look_for_frames_ = may_hide_input_ = false;
      ++emptied_;
      return false;
    }
    if (!identity_.more() || !body_.receive(socket_.handle())) continue;
    bytes += body_.bytes().size();
    doorkeeper_.delivered(body_.source_fd(), body_.bytes().size());
    in_parts_ = body_.more();
    if (!in_parts_) handle_message(identity_.bytes(), body_.bytes(), now);
  }
  return true;
}

// Of a message that has several: there may be millions, of no bytes each.
void Inbox::pass_over_parts() {
  for (int parts = 0; in_parts_ && parts < kPartsPerFrame; ++parts) {
    in_parts_ = body_.receive(socket_.handle()) && body_.more();
    doorkeeper_.delivered(body_.source_fd(), body_.bytes().size());
  }
  if (in_parts_) return;
  refuse(identity_.bytes(), wire::Refusal::kMultipart, "a message is one frame");
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
  if (client != nullptr && !client->socket_is_sure) make_sure_of_socket(*client);
  if (taking_in_ && client != nullptr && !is_worth_an_answer(*client, frame->kind, now)) {
    return count(wire::Refusal::kFlood);
  }
  if (frame->kind == wire::FrameKind::kHello) return handle_hello(*id, frame->content, now);
  if (client == nullptr) return refuse_unknown(*id);
  client->last_heard = now;
  switch (frame->kind) {
    case wire::FrameKind::kTimedRequests:
      return handle_timed(*client, frame->content, now);
    case wire::FrameKind::kRequests:
      return handle_requests(*client, frame->content, {}, now);
    case wire::FrameKind::kPing:
      return handle_ping(*client, frame->content, now);
    case wire::FrameKind::kRead:
      return handle_read(*client, frame->content);
    default:
      refuse(routing_id, wire::Refusal::kKind, "a dialling side sends HELLO, REQUESTS and PING");
  }
}

void Inbox::handle_hello(std::uint32_t id, std::string_view content, TimePoint now) {
  const auto routing_id = routing_id_of(id);
  const auto hello = wire::decode_hello(content);
  if (!hello) return refuse(view(routing_id), wire::Refusal::kMalformed, "the HELLO is malformed");
  if (hello->version_min > version_max() || hello->version_max < version_min(*hello)) {
    return refuse(view(routing_id), wire::Refusal::kVersion,
                  options_.key ? "this node has a key, and speaks protocol version 2 with nodes"
                               : "this node speaks protocol version 1 only");
  }
  if (!hello->name.empty() &&
      (!NodeName::parse(hello->name) || hello->name == options_.self.str())) {
    return refuse(
        view(routing_id), wire::Refusal::kMalformed,
        "the name " + in_quotes(hello->name) + " cannot be a peer of " + options_.self.str());
  }
  const auto identity = identify(id, *hello, now);
  if (!identity) return;
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
    forgotten_.erase(id);
  }
  client->identity = *identity;
  welcome(*client, *hello, now);
}

// What the frame says of its age is compared with a clock that is looked at now: the pass began
// before the frame was read, maybe before it was sent.
void Inbox::handle_timed(Client& client, std::string_view content, TimePoint now) {
  const auto stamp = wire::take_stamp(content);
  if (!stamp || !client.age.is_known()) {
    const auto routing_id = routing_id_of(client.id);
    return refuse(view(routing_id), wire::Refusal::kMalformed,
                  "TIMED_REQUESTS need a stamp, and the clock in HELLO");
  }
  handle_requests(client, content, client.age.observe(*stamp, transport::stamp_now_us()), now);
}

void Inbox::handle_requests(Client& client, std::string_view run, std::chrono::microseconds age,
                            TimePoint now) {
  // After requests that are held, so that they stay in order.
  const bool wait = taking_in_ || !client.held.empty() || turn_.is_over();
  const auto rest = wait ? run : hand_on(client, run, age, std::nullopt, now);
  if (!rest.empty() && !client.gone) hold(client, rest, age);
}

// To one that stamps its PINGs, what it was found to be old goes back: so it finds out when the
// clocks have jumped.
void Inbox::handle_ping(Client& client, std::string_view content, TimePoint now) {
  look_for_twin(client, now);
  wire::Buffer pong;
  wire::begin_frame(pong, wire::FrameKind::kPong);
  pong.append(content);
  if (client.age.is_known() && content.size() + wire::kStampBytes <= limits::kPingBytesMax) {
    if (const auto stamp = wire::take_stamp(content)) {
      const auto age = client.age.observe(*stamp, transport::stamp_now_us());
      wire::append_stamp(pong, static_cast<std::uint64_t>(age.count()));
    }
  }
  const auto routing_id = routing_id_of(client.id);
  send_control(view(routing_id), pong);
}

void Inbox::handle_read(Client& client, std::string_view content) {
  const auto read = wire::decode_read(content);
  if (!read) {
    const auto routing_id = routing_id_of(client.id);
    return refuse(view(routing_id), wire::Refusal::kMalformed, "the READ is malformed");
  }
  client.untold -= std::min<std::uint64_t>(client.untold, read->bytes);
}

// Gives a run of requests to the core, as long as the connection reads its replies and the turn
// is not over; returns those that must wait.
std::string_view Inbox::hand_on(Client& client, std::string_view run, std::chrono::microseconds age,
                                std::optional<TimePoint> held_since, TimePoint now) {
  Arrival arrival;
  arrival.traced = held_since;
  const auto held =  // none, when it was held in this very pass
      held_since ? std::max(now - *held_since, TimePoint::duration{0}) : TimePoint::duration{0};
  arrival.waited_ms = static_cast<std::uint64_t>((age + held) / std::chrono::milliseconds{1});
  while (has_room_for_replies(client) && !turn_.is_over()) {
    std::optional<wire::Refusal> refusal;
    auto rest = run;
    const auto requests = decode_some(client, rest, arrival, refusal);
    const auto handled = give_core(client, requests, now);
    if (handled < requests.size()) {
      run = behind_[handled - 1];
      continue;
    }
    run = rest;
    if (refusal == wire::Refusal::kKey) {
      end_impostor(client, now);
      return {};
    }
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

// The core takes few at once where they are costly. Those after them are decoded already; they
// follow as long as hand_on() would go on. Returns how many it took: of those that are there, one
// at least.
std::size_t Inbox::give_core(const Client& client, std::span<const core::Core::Incoming> requests,
                             TimePoint now) {
  std::size_t handled = 0;
  do {
    const auto left = requests.subspan(handled);
    const auto some = left.first(std::min(left.size(), run_max(client)));
    const auto done = core_.on_some_requests(some, now);
    turn_.spend(std::max<std::size_t>(done.handled, 1), done.costly);
    handled += done.handled;
  } while (handled < requests.size() && has_room_for_replies(client) && !turn_.is_over());
  return handled;
}

// Takes the next requests off `run`, as many as the core takes at once.
std::span<const core::Core::Incoming> Inbox::decode_some(const Client& client,
                                                         std::string_view& run, Arrival& arrival,
                                                         std::optional<wire::Refusal>& refusal) {
  std::size_t count = 0;
  const auto count_max = run_max(client);
  permits_.begin(client.identity.principal);
  while (count < count_max) {
    const auto record = wire::next_record(run, refusal);
    if (!record) break;
    const auto request = wire::decode_request(*record);
    if (!request) {
      refusal = wire::Refusal::kMalformed;
      break;
    }
    behind_[count] = run;
    auto& next = decoded_[count++];
    next.origin = {options_.adapter, client.id, request->id};
    next.request = *request;
    next.request.timeout_ms -= std::min(next.request.timeout_ms, arrival.waited_ms);
    next.arrived = request->traced() ? arrival.of_traced() : TimePoint{};
    if (permits_.permit(next.request)) continue;
    --count;
    refusal = options_.key ? wire::Refusal::kKey : wire::Refusal::kMalformed;
    break;
  }
  return {decoded_.data(), count};
}

void Inbox::refuse(std::string_view routing_id, wire::Refusal reason, std::string_view text) {
  if (!std::exchange(told_of_refused_[static_cast<std::size_t>(reason)], true)) {
    spdlog::warn("refused a frame of {} ({}): {}; more of these are only counted",
                 sender(routing_id), wire::to_string(reason), text);
  }
  refuse_unlogged(routing_id, reason, text);
}

void Inbox::refuse_unlogged(std::string_view routing_id, wire::Refusal reason,
                            std::string_view text) {
  count(reason);
  if (taking_in_) return;  // answers would take the time that is missing
  wire::Buffer frame;
  wire::encode(frame, wire::Refused{StatusCode::kProtocolError, text});
  send_control(routing_id, frame);
}

// "bar@localhost at 10.0.0.7", as far as it is known.
std::string Inbox::sender(std::string_view routing_id) {
  const auto id = parse_routing_id(routing_id);
  const auto* client = id ? find(*id) : nullptr;
  const auto* forgotten = id ? forgotten_.find(*id) : nullptr;
  // What was held comes from another than the last message.
  std::string address{client != nullptr ? client->address : body_.peer_address()};
  if (address.empty()) address = "an unknown address";  // ipc
  if (client == nullptr && forgotten == nullptr) return "a stranger at " + address;
  const auto& name = client != nullptr ? client->name : forgotten->name;
  return (name.empty() ? "a client" : name) + " at " + address;
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

void Inbox::send_control(std::string_view routing_id, wire::Buffer& frame) {
  // Lost when the far side has gone or reads nothing; it can expect no better then.
  (void)send_to(routing_id, frame);
}

void Inbox::stop(TimePoint /*now*/) {
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
