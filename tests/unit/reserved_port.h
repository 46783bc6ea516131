#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace kvmesh::test {

/// A TCP port of 127.0.0.1 below the ephemeral range that nothing listens on at first, and that no
/// other test takes while this lives: the token is that of tests/distributed/ports.py.
class ReservedPort {
 public:
  ReservedPort() {
    std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<std::uint16_t> ports{20000, 31999};
    for (int tries = 0; tries < 2000; ++tries) {
      number_ = ports(random);
      token_ = Socket{AF_UNIX};
      if (token_.take(number_) && !is_listening()) return;
    }
    throw std::runtime_error{"no free port"};
  }

  std::uint16_t number() const { return number_; }

  /// Does anybody accept connections there?
  bool is_listening() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(number_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const Socket probe{AF_INET};
    return ::connect(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

 private:
  class Socket {
   public:
    Socket() = default;
    explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
      if (fd_ < 0) throw std::runtime_error{"no socket"};
    }
    ~Socket() {
      if (fd_ >= 0) ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    Socket(Socket&&) = delete;
    Socket& operator=(Socket&& other) noexcept {
      std::swap(fd_, other.fd_);
      return *this;
    }

    int fd() const { return fd_; }
    /// The abstract name (unix(7)) of a port; false when somebody else has it.
    bool take(std::uint16_t port) const {
      const auto name = "kvmesh-test-port-" + std::to_string(port);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path + 1, name.data(), name.size());
      const auto size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
      return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(size)) == 0;
    }

   private:
    int fd_ = -1;
  };

  std::uint16_t number_ = 0;
  Socket token_;
};

}  // namespace kvmesh::test
