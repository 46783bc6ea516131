#include "client/bench/stream_channel.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/text.h"

namespace kvmesh::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

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

StreamChannel::StreamChannel(std::string address, std::unique_ptr<Codec> codec)
    : address_(std::move(address)), codec_(std::move(codec)) {}

StreamChannel::~StreamChannel() {
  if (socket_ >= 0) close(socket_);
}

Status StreamChannel::open(int epoll, std::uint64_t mark) {
  const auto fd = connect_to(address_);
  if (!fd) return fd.status();
  socket_ = *fd;
  epoll_ = epoll;
  mark_ = mark;
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
    const auto sent =
        send(socket_, out_.data() + written_, out_.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return watch(true);
    if (sent < 0) {
      return {StatusCode::kUnavailable, "the connection to " + address_ + ": " + error_text()};
    }
    written_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  written_ = 0;
  return watch(false);
}

Status StreamChannel::receive(ReplySink& sink) {
  if (watches_output_) {
    if (auto status = flush(); !status.ok()) return status;
  }
  if (end_ == in_.size()) in_.resize(in_.size() * 2);  // one reply fills all of it
  const auto got = recv(socket_, in_.data() + end_, in_.size() - end_, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (got < 0) {
    return {StatusCode::kUnavailable, "the connection to " + address_ + ": " + error_text()};
  }
  if (got == 0) {
    return {StatusCode::kUnavailable, address_ + " closed the connection with " +
                                          std::to_string(pending_.size()) + " requests unanswered"};
  }
  end_ += static_cast<std::size_t>(got);
  return parse(sink);
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
