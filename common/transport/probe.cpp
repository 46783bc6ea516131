#include "common/transport/probe.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "common/config/address.h"

namespace kvmesh::transport {
namespace {

constexpr std::string_view kTcpScheme = "tcp://";
constexpr std::string_view kIpcScheme = "ipc://";

// How long this host may take to answer: it answers at once unless the machine is busy. Others are
// not waited for, unless there is nothing else to do.
constexpr int kWaitForOwnHostMs = 50;

// ZMTP 3: the signature and the version; whoever gets these tells its mechanism before it knows
// ours.
constexpr std::string_view kGreeting{"\xff\0\0\0\0\0\0\0\1\x7f\3", 11};
constexpr std::size_t kMechanismAt = 12;
constexpr std::size_t kMechanismBytes = 20;

// A descriptor that is closed at the end.
class Probe {
 public:
  explicit Probe(int family)
      : descriptor_(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Probe() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  int get() const { return descriptor_; }
  bool wait(short events, int milliseconds) const {
    pollfd answer{descriptor_, events, 0};
    return ::poll(&answer, 1, milliseconds) > 0;
  }

 private:
  int descriptor_;
};

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }  // NOLINT
};

Address address_of_path(std::string_view path) {
  Address out;
  sockaddr_un local{};
  if (path.empty() || path.size() >= sizeof local.sun_path) return out;
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), path.size());
  if (path.front() == '@') local.sun_path[0] = '\0';
  std::memcpy(&out.bytes, &local, sizeof local);
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return out;
}

// Of numbers only; a size of 0: it has none.
Address address_of(std::string_view endpoint) {
  Address out;
  if (endpoint.starts_with(kIpcScheme)) return address_of_path(endpoint.substr(kIpcScheme.size()));
  if (!endpoint.starts_with(kTcpScheme)) return out;
  const auto parsed = parse_host_port(endpoint.substr(kTcpScheme.size()), AddressUse::kConnect);
  if (!parsed) return out;
  addrinfo numbers_only{};
  numbers_only.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  numbers_only.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(parsed->host.c_str(), std::to_string(parsed->port).c_str(), &numbers_only,
                    &found) != 0) {
    return out;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned{found, ::freeaddrinfo};
  std::memcpy(&out.bytes, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  return out;
}

bool is_own_host(const Address& address) {
  if (address.bytes.ss_family == AF_UNIX) return true;
  if (address.bytes.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address.bytes, sizeof ipv4);
    return (ntohl(ipv4.sin_addr.s_addr) >> 24U) == 127;
  }
  sockaddr_in6 ipv6{};
  std::memcpy(&ipv6, &address.bytes, sizeof ipv6);
  return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) != 0;
}

int connect_to(const Probe& probe, const Address& address, int wait_ms) {
  if (::connect(probe.get(), address.get(), address.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!probe.wait(POLLOUT, wait_ms)) return 0;
  int error = 0;
  socklen_t size = sizeof error;
  (void)::getsockopt(probe.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

int probe_connect(std::string_view endpoint) {
  if (!endpoint.starts_with(kTcpScheme))
    return ECONNREFUSED;  // of ipc:// it is never anything else
  const auto address = address_of(endpoint);
  if (address.size == 0) return 0;
  const Probe probe{address.bytes.ss_family};
  if (probe.get() < 0) return 0;
  return connect_to(probe, address, is_own_host(address) ? kWaitForOwnHostMs : 0);
}

std::string probe_mechanism(std::string_view endpoint, std::chrono::milliseconds patience) {
  const auto address = address_of(endpoint);
  if (address.size == 0) return {};
  const Probe probe{address.bytes.ss_family};
  const auto most = is_own_host(address) ? kWaitForOwnHostMs : static_cast<int>(patience.count());
  if (probe.get() < 0 || most <= 0 || connect_to(probe, address, most) != 0) return {};
  if (::send(probe.get(), kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(kGreeting.size())) {
    return {};
  }
  using std::chrono::milliseconds;
  const auto until = std::chrono::steady_clock::now() + milliseconds{most};
  std::array<char, kMechanismAt + kMechanismBytes> greeting{};
  for (std::size_t size = 0; size < greeting.size();) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !probe.wait(POLLIN, static_cast<int>(left.count()))) return {};
    const auto count = ::recv(probe.get(), greeting.data() + size, greeting.size() - size, 0);
    if (count <= 0) return {};
    size += static_cast<std::size_t>(count);
  }
  const std::string_view name{greeting.data() + kMechanismAt, kMechanismBytes};
  return std::string{name.substr(0, name.find('\0'))};
}

}  // namespace kvmesh::transport
