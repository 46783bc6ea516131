#include "node/mesh/kernel_socket.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace kvmesh::mesh {
namespace {

constexpr int kEstablished = 1;  // TCP_ESTABLISHED, in a header that does not go with linux/tcp.h

bool listens(int fd) {
  int is = 0;
  socklen_t length = sizeof is;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &length) == 0 && is != 0;
}

}  // namespace

KernelSocket socket_at(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return {fd, 0};
  return {fd, cookie};
}

// What has arrived is asked for before what still waits in the kernel: bytes that come in between
// make the answer too small, never too large.
std::optional<std::uint64_t> bytes_taken(const KernelSocket& socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
    return std::nullopt;
  }
  int waiting = 0;
  if (info.tcpi_state != kEstablished || ioctl(socket.fd, SIOCINQ, &waiting) != 0) {
    return std::nullopt;
  }
  // While it was asked, the number may have become another's.
  if (socket_at(socket.fd) != socket) return std::nullopt;
  const auto unread = static_cast<std::uint64_t>(waiting);
  return info.tcpi_bytes_received > unread ? info.tcpi_bytes_received - unread : 0;
}

std::optional<ListeningAddress> ListeningAddress::parse(const std::string& endpoint) {
  constexpr std::string_view kTcp = "tcp://";
  const auto colon = endpoint.rfind(':');
  if (!endpoint.starts_with(kTcp) || colon < kTcp.size()) return std::nullopt;
  ListeningAddress out;
  out.host_ = endpoint.substr(kTcp.size(), colon - kTcp.size());
  if (out.host_.starts_with('[')) out.host_ = out.host_.substr(1, out.host_.size() - 2);
  if (out.host_ == "0.0.0.0" || out.host_ == "::" || out.host_ == "*") out.host_.clear();
  const char* end = endpoint.data() + endpoint.size();
  const auto [at, error] = std::from_chars(endpoint.data() + colon + 1, end, out.port_);
  if (error != std::errc{} || at != end || out.port_ == 0) return std::nullopt;
  return out;
}

bool ListeningAddress::accepted(const KernelSocket& socket) const {
  return is_of(socket.fd) && !listens(socket.fd);
}

KernelSocket ListeningAddress::find_listener(int limit) const {
  for (int fd = 0; fd < limit; ++fd) {
    if (listens(fd) && is_of(fd)) return socket_at(fd);
  }
  return {};
}

bool ListeningAddress::is_of(int fd) const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);  // NOLINT: how the call is made
  if (getsockname(fd, any, &size) != 0) return false;
  if (any->sa_family != AF_INET && any->sa_family != AF_INET6) return false;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(any, size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return false;
  }
  if (port.data() != std::to_string(port_)) return false;
  return host_.empty() || host_ == host.data();
}

bool set_closed(const KernelSocket& listener, bool closed) {
  if (listener.cookie == 0 || socket_at(listener.fd) != listener) return false;
  if (!closed) {
    const int unused = 0;
    return setsockopt(listener.fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0;
  }
  sock_filter drop{BPF_RET | BPF_K, 0, 0, 0};  // of each packet, no byte
  const sock_fprog program{1, &drop};
  return setsockopt(listener.fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

SpareDescriptors::SpareDescriptors()
    : null_(open("/dev/null", O_RDONLY | O_CLOEXEC)), spare_(fcntl(null_, F_DUPFD_CLOEXEC, 0)) {}

SpareDescriptors::~SpareDescriptors() {
  if (null_ >= 0) close(null_);
  if (spare_ >= 0) close(spare_);
}

bool SpareDescriptors::shut_down(const KernelSocket& socket) {
  if (spare_ < 0 || socket.cookie == 0 || dup3(socket.fd, spare_, O_CLOEXEC) < 0) return false;
  const bool same = socket_at(spare_).cookie == socket.cookie;
  if (same) {
    // With a reset when libzmq closes it: after a mere FIN the kernel may keep one that goes on
    // sending waiting, with a closed window, for a minute.
    const linger reset{1, 0};
    setsockopt(spare_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    shutdown(spare_, SHUT_RDWR);
  }
  (void)dup3(null_, spare_, O_CLOEXEC);
  return same;
}

bool SpareDescriptors::is_free_below(int limit) const {
  const int lowest = fcntl(null_, F_DUPFD_CLOEXEC, 0);
  if (lowest < 0) return null_ < 0;  // without /dev/null nothing is known
  close(lowest);
  return lowest < limit;
}

}  // namespace kvmesh::mesh
