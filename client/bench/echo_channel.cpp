#include "client/bench/echo_channel.h"

#include <sys/epoll.h>

#include <cstring>
#include <string_view>
#include <utility>

namespace kvmesh::bench {
namespace {

constexpr std::size_t kMessageBytes = 64;
constexpr int kMessagesAtOnce = 1000;
using Text = std::array<char, kMessageBytes>;

Text text_for(std::uint32_t tag) {
  Text text{};
  text.fill(static_cast<char>('a' + tag % 26));
  std::memcpy(text.data(), &tag, sizeof tag);
  return text;
}

}  // namespace

EchoChannel::EchoChannel(zmq::context_t& context, std::string endpoint)
    : endpoint_(std::move(endpoint)), socket_(context, zmq::socket_type::dealer) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::sndhwm, 0);
}

Status EchoChannel::open(int epoll, std::uint64_t mark) {
  try {
    socket_.connect(endpoint_);
  } catch (const zmq::error_t& error) {
    return {StatusCode::kInvalidArgument, endpoint_ + ": " + error.what()};
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = mark;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket_.get(zmq::sockopt::fd), &event) != 0) {
    return {StatusCode::kInternal, "epoll_ctl failed"};
  }
  return {};
}

void EchoChannel::submit(const Operation& /*operation*/, std::uint32_t tag) {
  const auto text = text_for(tag);
  // Without a bound of the queue nothing can block.
  if (zmq_send(socket_.handle(), text.data(), text.size(), ZMQ_DONTWAIT) < 0) {
    fault_ = {StatusCode::kInternal, "zmq_send failed"};
  }
}

Status EchoChannel::receive(ReplySink& sink) {
  for (int i = 0; i < kMessagesAtOnce && message_.receive(socket_.handle()); ++i) {
    const auto bytes = message_.bytes();
    std::uint32_t tag = 0;
    if (bytes.size() == kMessageBytes) std::memcpy(&tag, bytes.data(), sizeof tag);
    const auto expected = text_for(tag);
    if (bytes != std::string_view{expected.data(), expected.size()}) {
      return {StatusCode::kProtocolError, "the echo is not what was sent"};
    }
    sink.on_reply({tag, Reply::Kind::kEcho, {}});
  }
  return fault_;
}

}  // namespace kvmesh::bench
