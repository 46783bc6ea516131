#include "node/mesh/zap_handler.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include "common/signals_blocked.h"
#include "common/text.h"

namespace kvmesh::mesh {
namespace {

constexpr const char* kEndpoint = "inproc://zeromq.zap.01";
constexpr const char* kMonitorEndpoint = "inproc://kvmesh-mesh-port-monitor";
// ZMQ_ZAP_ENFORCE_DOMAIN: with it nobody is let in when no handler answers. zmq.h shows its number
// to those only who ask for drafts, but the library knows it.
constexpr int kEnforceDomain = 93;
constexpr int kFailures =
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

// The frames of a request, behind the routing id and an empty one.
enum Part : std::size_t { kVersion, kRequest, kZapDomain, kAddress, kIdentity, kMechanism, kKey };
constexpr std::size_t kParts = 7;
constexpr std::size_t kEnvelope = 2;
constexpr std::size_t kFrameMax = 1024;
constexpr std::size_t kFramesMax = 16;

const std::string& part(const std::vector<std::string>& request, Part which) {
  return request[kEnvelope + which];
}

void append_property(std::string& out, std::string_view name, std::string_view value) {
  out += static_cast<char>(name.size());
  out += name;
  const auto size = static_cast<std::uint32_t>(value.size());
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((size >> shift) & 0xFFU);
  out += value;
}

std::string_view why_failed(std::uint16_t event, std::uint32_t value) {
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
    return "it ended before it proved a key; it may have none";
  }
  if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) return "it has no key";
  if (value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) {
    return "it expects another key of this node";
  }
  return "it broke the rules of the handshake";
}

Status not_guarded(const std::string& what) {
  return {StatusCode::kInternal, "the mesh port cannot be guarded: " + what +
                                     "; this libzmq is not the one that kvmesh was made for"};
}

// A whole message; empty when none is there. What is beyond the bounds is passed over.
std::vector<std::string> receive_all(zmq::socket_t& socket) {
  std::vector<std::string> out;
  zmq::message_t frame;
  do {
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) return {};
    if (out.size() < kFramesMax) out.push_back(frame.to_string().substr(0, kFrameMax));
  } while (frame.more());
  return out;
}

}  // namespace

ZapHandler::ZapHandler(zmq::context_t& context, const security::CurrentPrincipals& principals,
                       core::Audit* audit)
    : principals_(principals),
      refusals_(audit),
      socket_(context, zmq::socket_type::router),
      monitor_(context, zmq::socket_type::pair),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (stop_ < 0) throw std::system_error{errno, std::generic_category(), "no eventfd"};
  socket_.set(zmq::sockopt::linger, 0);
  monitor_.set(zmq::sockopt::linger, 0);
  // What tells of events waits for room, on the thread of all connections.
  monitor_.set(zmq::sockopt::rcvhwm, 0);
}

Result<std::unique_ptr<ZapHandler>> ZapHandler::start(zmq::context_t& context,
                                                      const security::CurrentPrincipals& principals,
                                                      core::Audit* audit) {
  try {
    std::unique_ptr<ZapHandler> out{new ZapHandler{context, principals, audit}};
    out->socket_.bind(kEndpoint);
    out->monitor_.connect(kMonitorEndpoint);
    const SignalsBlocked blocked;
    out->thread_ = std::thread{[self = out.get()] { self->run(); }};
    return out;
  } catch (const zmq::error_t& error) {
    return Status{StatusCode::kUnavailable,
                  std::string{"nobody could decide whose connections are let in: "} + error.what()};
  } catch (const std::system_error& error) {
    return Status{StatusCode::kInternal,
                  std::string{"the mesh port cannot be guarded: "} + error.what()};
  }
}

ZapHandler::~ZapHandler() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof one);
    thread_.join();
  }
  if (stop_ >= 0) ::close(stop_);
}

Status ZapHandler::guard(zmq::socket_t& router, const security::SecretKey& key) {
  void* const handle = router.handle();
  const int on = 1;
  const auto secret = key.bytes();
  if (zmq_setsockopt(handle, ZMQ_CURVE_SERVER, &on, sizeof on) != 0 ||
      zmq_setsockopt(handle, ZMQ_CURVE_SECRETKEY, secret.data(), secret.size()) != 0) {
    return not_guarded(std::string{"it takes no key: "} + zmq_strerror(errno));
  }
  if (zmq_setsockopt(handle, ZMQ_ZAP_DOMAIN, kDomain, std::strlen(kDomain)) != 0 ||
      zmq_setsockopt(handle, kEnforceDomain, &on, sizeof on) != 0) {
    return not_guarded("it lets strangers in when nobody answers for it");
  }
  int enforced = 0;
  std::size_t size = sizeof enforced;
  if (zmq_getsockopt(handle, kEnforceDomain, &enforced, &size) != 0 || enforced != 1) {
    return not_guarded("it would let strangers in when nobody answers for it");
  }
  if (router.get(zmq::sockopt::zap_domain) == kDomain) return {};
  return not_guarded("its ZAP domain is another");
}

Status ZapHandler::watch(zmq::socket_t& router) {
  if (zmq_socket_monitor(router.handle(), kMonitorEndpoint, kFailures) == 0) return {};
  return not_guarded(std::string{"it cannot be watched: "} + zmq_strerror(errno));
}

// Until it is told to stop, or the context ends. It closes the sockets, as the context may wait for
// that.
void ZapHandler::run() {
  auto socket = std::exchange(socket_, zmq::socket_t{});
  auto monitor = std::exchange(monitor_, zmq::socket_t{});
  std::array<zmq_pollitem_t, 3> items{{{socket.handle(), 0, ZMQ_POLLIN, 0},
                                       {monitor.handle(), 0, ZMQ_POLLIN, 0},
                                       {nullptr, stop_, ZMQ_POLLIN, 0}}};
  for (;;) {
    if (zmq_poll(items.data(), items.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (items[2].revents != 0) return;
    try {
      if (items[0].revents != 0) answer(socket, receive_all(socket));
      if (items[1].revents != 0) take_event(receive_all(monitor));
    } catch (const zmq::error_t& error) {
      if (error.num() == ETERM) return;
    }
  }
}

// Nobody but libzmq asks here, but whoever has the context could.
void ZapHandler::answer(zmq::socket_t& socket, const Frames& request) {
  if (request.size() < kEnvelope + kIdentity || !request[1].empty()) return;
  security::PublicKey key;
  const auto principals = principals_.get();
  const auto* principal = judge(request, *principals, key);
  std::string metadata;
  if (principal != nullptr) append_property(metadata, kKeyProperty, key.str());
  const std::array<std::string_view, kEnvelope + 6> reply{
      request[0],
      "",
      "1.0",
      part(request, kRequest),
      principal != nullptr ? "200" : "400",
      principal != nullptr ? "OK" : "No",
      principal != nullptr ? std::string_view{principal->name} : "",
      metadata};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const auto flags = i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    socket.send(zmq::buffer(reply[i]), flags | zmq::send_flags::dontwait);
  }
}

const security::Principal* ZapHandler::judge(const Frames& request,
                                             const security::Principals& principals,
                                             security::PublicKey& key) {
  const auto now = std::chrono::steady_clock::now();
  Refusals::Refused refused;
  std::string fingerprint;
  refused.from = part(request, kAddress);
  const auto refuse = [&](std::string_view why, std::string_view advice) {
    refused.fingerprint = fingerprint;
    refused.why = why;
    refused.advice = advice;
    refusals_.tell(refused, now);
    return nullptr;
  };
  if (request.size() != kEnvelope + kParts || part(request, kVersion) != "1.0" ||
      part(request, kZapDomain) != kDomain || part(request, kMechanism) != "CURVE" ||
      part(request, kKey).size() != security::kKeyBytes) {
    return refuse("it has no key", "");
  }
  std::array<std::uint8_t, security::kKeyBytes> bytes{};
  std::memcpy(bytes.data(), part(request, kKey).data(), bytes.size());
  key = security::PublicKey{bytes};
  fingerprint = key.fingerprint();
  if (const auto* principal = principals.by_key(key); principal != nullptr) return principal;
  if (principals.is_revoked(key)) {
    return refuse("its key " + fingerprint + "... is revoked", "");
  }
  return refuse("its key " + fingerprint + "... is nobody's",
                "to let it in, add it to the file of mesh.security and type kvmesh reload");
}

void ZapHandler::take_event(const Frames& event) {
  std::uint16_t what = 0;
  std::uint32_t value = 0;
  if (event.empty() || event[0].size() != sizeof what + sizeof value) return;
  std::memcpy(&what, event[0].data(), sizeof what);
  std::memcpy(&value, event[0].data() + sizeof what, sizeof value);
  Refusals::Refused refused;
  refused.why = why_failed(what, value);
  refusals_.tell(refused, std::chrono::steady_clock::now());
}

}  // namespace kvmesh::mesh
