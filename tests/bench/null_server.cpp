#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "tests/bench/servers.h"
#include "tests/bench/socket_text.h"

namespace kvmesh::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

// Serves what has come on one connection; false when it has ended. The answers fit the socket's
// buffer, or the client does not read: then waiting for it is right.
bool answer(int fd, std::string& in, std::string& out) {
  const auto got = recv(fd, in.data(), in.size(), 0);
  if (got <= 0) return false;
  out.clear();
  const auto lines = std::count(in.begin(), in.begin() + got, '\n');
  for (std::ptrdiff_t i = 0; i < lines; ++i) out += "OK\r\n";
  std::size_t sent = 0;
  while (sent < out.size()) {
    const auto count = send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

Status serve_null(const std::string& address) {
  const auto where = parse_ipv4(address);
  if (!where) return where.status();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&*where), sizeof *where) != 0 ||
      listen(listener, 1024) != 0) {
    return socket_fault("cannot listen on " + address);
  }
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [epoll](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  };
  watch(listener);
  std::string in(kReadBytes, '\0');
  std::string out;
  std::array<epoll_event, 256> events{};
  while (true) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        set_nodelay(client);
        watch(client);
      } else if (!answer(fd, in, out)) {
        close(fd);
      }
    }
  }
}

}  // namespace kvmesh::bench
