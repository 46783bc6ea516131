#include "node/stream/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <utility>

#include <asio/ip/tcp.hpp>

namespace kvmesh::stream {
namespace {

void switch_on(int descriptor, int level, int option) {
  constexpr int kOn = 1;
  (void)::setsockopt(descriptor, level, option, &kOn, sizeof kOn);
}

// Makes the call again when a signal came between.
template <typename Call>
ssize_t uninterrupted(Call&& call) {
  for (;;) {
    const ssize_t result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

Socket::Socket(int descriptor) : descriptor_(descriptor) {
  switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
  // A client whose machine is gone must not keep its place for ever.
  switch_on(descriptor, SOL_SOCKET, SO_KEEPALIVE);
}

Socket::Socket(Socket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      readable_(other.readable_),
      writable_(other.writable_),
      hung_up_(other.hung_up_),
      ended_(other.ended_),
      tls_(std::move(other.tls_)) {}

void Socket::set_tls(std::unique_ptr<tls::Session> session) {
  tls_ = std::move(session);
  take_flags();
}

void Socket::note(std::uint32_t events) {
  if (tls_) {
    tls_->note(events);
    return take_flags();
  }
  constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & kEnd) != 0) hung_up_ = true;
  if ((events & (EPOLLIN | kEnd)) != 0) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
}

void Socket::take_flags() {
  readable_ = tls_->is_readable();
  writable_ = tls_->is_writable();
  ended_ = tls_->has_ended();
}

std::optional<std::size_t> Socket::read_tls(std::span<char> room) {
  const auto got = tls_->read(room);
  take_flags();
  return got;
}

std::optional<std::size_t> Socket::write_tls(std::string_view bytes) {
  const auto taken = tls_->write(bytes);
  take_flags();
  return taken;
}

std::optional<std::size_t> Socket::read(std::span<char> room) {
  if (tls_) return read_tls(room);
  const auto got =
      uninterrupted([&] { return ::recv(descriptor_, room.data(), room.size(), MSG_DONTWAIT); });
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    readable_ = bytes == room.size() || hung_up_;
    return bytes;
  }
  ended_ = got == 0;
  readable_ = false;
  return ended_ || would_wait() ? std::optional<std::size_t>{0} : std::nullopt;
}

std::optional<std::size_t> Socket::write(std::string_view bytes) {
  if (tls_) return write_tls(bytes);
  const auto sent = uninterrupted(
      [&] { return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (sent >= 0) {
    writable_ = static_cast<std::size_t>(sent) == bytes.size();
    return static_cast<std::size_t>(sent);
  }
  writable_ = false;
  return would_wait() ? std::optional<std::size_t>{0} : std::nullopt;
}

void Socket::write_no_more() {
  if (tls_) tls_->end();
  (void)::shutdown(descriptor_, SHUT_WR);
}

void Socket::close() {
  if (tls_) tls_->end();
  tls_.reset();
  if (descriptor_ >= 0) (void)::close(std::exchange(descriptor_, -1));
}

std::string Socket::address() const {
  asio::ip::tcp::endpoint remote;
  auto size = static_cast<socklen_t>(remote.capacity());
  if (::getpeername(descriptor_, remote.data(), &size) != 0) return {};
  remote.resize(size);
  std::ostringstream text;
  text << remote;
  return text.str();
}

}  // namespace kvmesh::stream
