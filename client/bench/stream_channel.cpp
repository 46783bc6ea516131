#include "client/bench/stream_channel.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/text.h"

namespace kvmesh::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::chrono::seconds kHandshakeMax{5};

std::string error_text() { return std::generic_category().message(errno); }

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// A connected socket that does not block, or kUnavailable.
Result<int> connect_to(const std::string& text) {
  const auto address = parse_host_port(text, AddressUse::kConnect);
  if (!address) return address.status();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(address->host.c_str(), std::to_string(address->port).c_str(), &hints, &found);
  if (failed != 0) return Status{StatusCode::kUnavailable, text + ": " + gai_strerror(failed)};
  const std::unique_ptr<addrinfo, FreeAddresses> list{found};
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Status{StatusCode::kUnavailable, "no more sockets: " + error_text()};
  if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
    Status status{StatusCode::kUnavailable, "cannot connect to " + text + ": " + error_text()};
    close(fd);
    return status;
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

}  // namespace

StreamChannel::StreamChannel(std::string address, std::unique_ptr<Codec> codec,
                             std::shared_ptr<const TlsContext> tls)
    : address_(std::move(address)), codec_(std::move(codec)), tls_(std::move(tls)) {}

StreamChannel::~StreamChannel() {
  if (socket_ >= 0) close(socket_);
}

Status StreamChannel::open(int epoll, std::uint64_t mark) {
  const auto fd = connect_to(address_);
  if (!fd) return fd.status();
  socket_ = *fd;
  epoll_ = epoll;
  mark_ = mark;
  if (auto status = shake_hands(); !status.ok()) return status;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = mark;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket_, &event) != 0) {
    return {StatusCode::kInternal, "epoll_ctl: " + error_text()};
  }
  in_.resize(kReadBytes);
  out_ = codec_->greeting();
  return flush();
}

// Waits for it: nothing is measured yet.
Status StreamChannel::shake_hands() {
  if (!tls_) return {};
  auto session = TlsSession::begin(socket_, *tls_, address_);
  if (!session) return session.status();
  session_ = *std::move(session);
  for (const auto end = std::chrono::steady_clock::now() + kHandshakeMax;;) {
    const auto step = session_->handshake();
    if (!step) return step.status();
    if (*step == TlsSession::Step::kDone) return {};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd wanted{socket_,
                  *step == TlsSession::Step::kWaitsForBytes ? short{POLLIN} : short{POLLOUT}, 0};
    if (left.count() <= 0 || poll(&wanted, 1, static_cast<int>(left.count())) == 0) {
      return {StatusCode::kUnavailable, address_ +
                                            " did not end the TLS handshake in time; see that a "
                                            "server with TLS listens there"};
    }
    session_->note_readable();
  }
}

void StreamChannel::submit(const Operation& operation, std::uint32_t tag) {
  codec_->append(out_, operation);
  pending_.push_back({tag, operation.kind});
}

Status StreamChannel::watch(bool for_output) {
  if (for_output == watches_output_) return {};
  watches_output_ = for_output;
  epoll_event event{};
  event.events = EPOLLIN;
  if (for_output) event.events |= EPOLLOUT;
  event.data.u64 = mark_;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_, &event) == 0) return {};
  return {StatusCode::kInternal, "epoll_ctl: " + error_text()};
}

Status StreamChannel::flush() {
  while (written_ < out_.size()) {
    const auto sent = give(std::string_view{out_}.substr(written_));
    if (!sent) return sent.status();
    if (*sent == 0) return watch(true);
    written_ += *sent;
  }
  out_.clear();
  written_ = 0;
  return watch(false);
}

// 0: the connection takes nothing now.
Result<std::size_t> StreamChannel::give(std::string_view bytes) {
  if (session_) return session_->write(bytes);
  for (;;) {
    const auto sent = send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) {
      return Status{StatusCode::kUnavailable,
                    "the connection to " + address_ + ": " + error_text()};
    }
  }
}

// 0: nothing more has come yet.
Result<std::size_t> StreamChannel::take(std::span<char> room) {
  if (session_) {
    auto got = session_->read(room);
    return session_->has_ended() ? Result<std::size_t>{closed()} : got;
  }
  const auto got = recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return closed();
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return Status{StatusCode::kUnavailable, "the connection to " + address_ + ": " + error_text()};
}

Status StreamChannel::closed() const {
  return {StatusCode::kUnavailable, address_ + " closed the connection with " +
                                        std::to_string(pending_.size()) + " requests unanswered"};
}

Status StreamChannel::receive(ReplySink& sink) {
  if (watches_output_) {
    if (auto status = flush(); !status.ok()) return status;
  }
  if (session_) session_->note_readable();
  for (;;) {
    if (end_ == in_.size()) in_.resize(in_.size() * 2);  // one reply fills all of it
    const auto got = take(std::span{in_}.subspan(end_));
    if (!got) return got.status();
    if (*got == 0) return {};
    end_ += *got;
    if (auto status = parse(sink); !status.ok()) return status;
    // Epoll does not tell of what was read and not decrypted yet.
    if (!session_ || !session_->may_have_more()) return {};
  }
}

Status StreamChannel::parse(ReplySink& sink) {
  while (begin_ < end_) {
    const auto expected = pending_.empty() ? Operation::Kind::kPut : pending_.front().kind;
    auto parsed =
        codec_->parse(std::string_view{in_}.substr(begin_, end_ - begin_), expected, out_);
    if (!parsed) return parsed.status();
    if (parsed->taken == 0) break;
    begin_ += parsed->taken;
    if (!parsed->reply) continue;
    if (pending_.empty()) {
      return {StatusCode::kProtocolError, address_ + " sent a reply that nobody asked for"};
    }
    parsed->reply->tag = pending_.front().tag;
    pending_.pop_front();
    sink.on_reply(*parsed->reply);
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > in_.size() / 2) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {};
}

}  // namespace kvmesh::bench
