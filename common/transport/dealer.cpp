#include "common/transport/dealer.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <system_error>

#include <kvmesh/limits.h>

#include "common/transport/probe.h"
#include "common/transport/vanished_hosts.h"

namespace kvmesh::transport {
namespace {

// Queued frames a side; each holds many requests, and the core bounds their bytes.
constexpr int kSendQueueFrames = 64;
constexpr int kNoReconnectMs = 3600 * 1000;
constexpr int kConnectTimeoutMs = 1000;
constexpr int kHandshakeTimeoutMs = 2000;

constexpr int kFailedHandshake = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr int kFailedConnect = ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED;
constexpr int kWatched = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                         ZMQ_EVENT_DISCONNECTED | kFailedHandshake | kFailedConnect;

std::string next_monitor_address() {
  static std::atomic<std::uint64_t> serial{0};
  return "inproc://kvmesh-monitor-" + std::to_string(serial.fetch_add(1));
}

}  // namespace

Dealer::Dealer(zmq::context_t& context)
    : socket_(context, zmq::socket_type::dealer), monitor_(context, zmq::socket_type::pair) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::rcvhwm,
              0);  // a bound would let a peer abort the process; see node/ARCHITECTURE.md
  socket_.set(zmq::sockopt::sndhwm, kSendQueueFrames);
  socket_.set(zmq::sockopt::immediate, false);  // true would throw away replies that have arrived
  socket_.set(zmq::sockopt::reconnect_ivl, kNoReconnectMs);
  socket_.set(zmq::sockopt::connect_timeout, kConnectTimeoutMs);
  socket_.set(zmq::sockopt::handshake_ivl, kHandshakeTimeoutMs);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kFrameBytesMax));
  find_vanished_hosts(socket_);
  monitor_.set(zmq::sockopt::linger, 0);
}

Result<std::unique_ptr<Dealer>> Dealer::open(zmq::context_t& context) {
  try {
    std::unique_ptr<Dealer> dealer{new Dealer{context}};
    const auto address = next_monitor_address();
    if (zmq_socket_monitor(dealer->socket_.handle(), address.c_str(), kWatched) != 0) {
      return Status{StatusCode::kInternal,
                    std::string{"no monitor socket: "} + zmq_strerror(errno)};
    }
    dealer->monitor_.connect(address);
    return dealer;
  } catch (const zmq::error_t& error) {
    return Status{StatusCode::kInternal, std::string{"no socket: "} + error.what()};
  }
}

Status Dealer::secure(const security::KeyPair& own, const security::PublicKey& server) {
  const auto set = [this](int option, std::span<const std::uint8_t> bytes) {
    return zmq_setsockopt(socket_.handle(), option, bytes.data(), bytes.size()) == 0;
  };
  if (set(ZMQ_CURVE_SERVERKEY, server.bytes()) &&
      set(ZMQ_CURVE_PUBLICKEY, own.public_key.bytes()) &&
      set(ZMQ_CURVE_SECRETKEY, own.secret_key.bytes())) {
    return {};
  }
  return {StatusCode::kInternal, std::string{"libzmq takes no keys: "} + zmq_strerror(errno)};
}

Status Dealer::connect(const std::string& endpoint) {
  try {
    endpoint_ = endpoint;
    began_ = std::chrono::steady_clock::now();
    socket_.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string::npos);
    socket_.connect(endpoint);
    return {};
  } catch (const zmq::error_t& error) {
    const auto code = error.num() == EMFILE ? StatusCode::kInternal : StatusCode::kInvalidArgument;
    return {code, endpoint + ": " + error.what()};
  }
}

Dealer::~Dealer() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

// libzmq keeps the system's reason for itself. What took as long as an attempt may was its end.
std::string Dealer::why_not_connected() const {
  const auto took = std::chrono::steady_clock::now() - began_;
  if (took >= std::chrono::milliseconds{kConnectTimeoutMs}) return "connection timed out";
  const int error = probe_connect(endpoint_);
  if (error == ECONNREFUSED) return std::string{kRefused};
  if (error == 0) return "connection refused, or the host cannot be reached";
  return "no connection: " + std::generic_category().message(error);
}

// What libzmq 4.3.4 tells of each.
Dealer::Disagreement Dealer::disagreement(std::uint16_t event, std::uint32_t detail) {
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return Disagreement::kRefused;
  const bool differ = event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
                      detail == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
  return differ ? Disagreement::kOnlyOne : Disagreement::kUnknown;
}

std::optional<Dealer::Happening> Dealer::next_event() {
  for (;;) {
    Message event;
    Message address;
    if (!event.receive(monitor_.handle())) return std::nullopt;
    if (event.more()) (void)address.receive(monitor_.handle());
    std::uint16_t what = 0;
    if (event.bytes().size() < sizeof what) continue;
    std::memcpy(&what, event.bytes().data(), sizeof what);
    if (what == ZMQ_EVENT_CONNECTED) is_accepted_ = true;
    if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return Happening{Event::kConnected, {}, {}};
    if (what == ZMQ_EVENT_DISCONNECTED)
      return Happening{Event::kLost, "the other side closed it, or it was lost", {}};
    if ((what & kFailedConnect) != 0) return Happening{Event::kLost, why_not_connected(), {}};
    if ((what & kFailedHandshake) == 0) continue;
    std::uint32_t detail = 0;
    if (event.bytes().size() >= sizeof what + sizeof detail) {
      std::memcpy(&detail, event.bytes().data() + sizeof what, sizeof detail);
    }
    return Happening{Event::kLost, "what answers there does not speak ZeroMQ",
                     disagreement(what, detail)};
  }
}

Sent Dealer::send(wire::Buffer& frame) {
  may_hide_input_ = true;
  return send_frame(socket_.handle(), frame, 0, unsent_);
}

Ready Dealer::poll() {
  const auto ready = poll_socket(socket_.handle());
  may_hide_input_ = ready.input;
  return ready;
}

std::optional<std::string_view> Dealer::receive() {
  may_hide_input_ = true;
  for (;;) {
    if (!message_.receive(socket_.handle())) {
      may_hide_input_ = false;
      return std::nullopt;
    }
    if (!message_.more()) return message_.bytes();
    while (message_.more() && message_.receive(socket_.handle())) {
    }
  }
}

}  // namespace kvmesh::transport
