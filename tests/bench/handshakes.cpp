#include "tests/bench/handshakes.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "common/transport/dealer.h"
#include "tests/bench/socket_text.h"

namespace kvmesh::bench {
namespace {

Status watch_edges(int epoll, int fd, std::uint64_t mark) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u64 = mark;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return socket_fault("epoll_ctl");
}

class TlsHandshake final : public Handshake {
 public:
  TlsHandshake(const TlsContext& context, std::string address, std::uint32_t from)
      : context_(context), address_(std::move(address)), from_(from) {}
  ~TlsHandshake() override {
    if (session_) session_->end();
    if (socket_ >= 0) close(socket_);
  }

  Status begin(int epoll, std::uint64_t mark) override {
    const auto to = parse_ipv4(address_);
    if (!to) return to.status();
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return socket_fault("no more sockets");
    set_nodelay(socket_);
    const int one = 1;
    setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(from_);
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
      return socket_fault("cannot come from another address of this machine");
    }
    const int failed = connect(socket_, reinterpret_cast<const sockaddr*>(&*to), sizeof *to);
    if (failed != 0 && errno != EINPROGRESS) return socket_fault("cannot connect to " + address_);
    auto session = TlsSession::begin(socket_, context_, address_);
    if (!session) return session.status();
    session_ = *std::move(session);
    return watch_edges(epoll, socket_, mark);
  }

  Result<bool> go_on() override {
    session_->note_readable();
    if (!is_asked_) {
      const auto step = session_->handshake();
      if (!step) return step.status();
      if (*step != TlsSession::Step::kDone) return false;
      // This side is done before the other one is: only an answer shows that that is, too.
      const auto sent = session_->write(kPing);
      if (!sent) return sent.status();
      if (*sent != kPing.size()) return Status{StatusCode::kInternal, "no room for a PING"};
      is_asked_ = true;
    }
    std::array<char, 256> room;  // NOLINT: filled by what comes
    while (const auto got = session_->read(room)) {
      if (*got == 0 && session_->has_ended()) {
        return Status{StatusCode::kUnavailable, address_ + " closed the connection"};
      }
      if (*got == 0) return false;
      came_.append(room.data(), *got);
      if (came_ == kPong) return true;
      if (!kPong.starts_with(came_)) {
        return Status{StatusCode::kProtocolError, address_ + " answered a PING with " + came_};
      }
    }
    return Status{StatusCode::kUnavailable, address_ + " broke the connection after the handshake"};
  }

 private:
  static constexpr std::string_view kPing = "PING\r\n";
  static constexpr std::string_view kPong = "PONG\r\n";

  const TlsContext& context_;
  const std::string address_;
  const std::uint32_t from_;
  int socket_ = -1;
  std::unique_ptr<TlsSession> session_;
  bool is_asked_ = false;
  std::string came_;
};

class MeshHandshake final : public Handshake {
 public:
  MeshHandshake(zmq::context_t& context, std::string endpoint, const client::ClientKeys& keys)
      : context_(context), endpoint_(std::move(endpoint)), keys_(keys) {}
  // libzmq closes the descriptor later.
  ~MeshHandshake() override {
    if (dealer_) epoll_ctl(epoll_, EPOLL_CTL_DEL, dealer_->monitor_fd(), nullptr);
  }

  Status begin(int epoll, std::uint64_t mark) override {
    auto dealer = transport::Dealer::open(context_);
    if (!dealer) return dealer.status();
    if (auto status = (*dealer)->secure(keys_.own, keys_.nodes.front().front()); !status.ok()) {
      return status;
    }
    if (auto status = watch_edges(epoll, (*dealer)->monitor_fd(), mark); !status.ok()) {
      return status;
    }
    epoll_ = epoll;
    dealer_ = *std::move(dealer);
    return dealer_->connect(endpoint_);
  }

  // libzmq tells of success when the other side's READY has come, which it sends when its key is
  // let in.
  Result<bool> go_on() override {
    const auto event = dealer_->next_event();
    if (!event) return false;
    if (event->event == transport::Dealer::Event::kConnected) return true;
    return Status{StatusCode::kUnavailable, endpoint_ + ": " + event->why};
  }

 private:
  zmq::context_t& context_;
  const std::string endpoint_;
  const client::ClientKeys& keys_;
  int epoll_ = -1;
  std::unique_ptr<transport::Dealer> dealer_;
};

}  // namespace

std::unique_ptr<Handshake> make_tls_handshake(const TlsContext& context, std::string address,
                                              std::uint32_t from) {
  return std::make_unique<TlsHandshake>(context, std::move(address), from);
}

std::unique_ptr<Handshake> make_mesh_handshake(zmq::context_t& context, std::string endpoint,
                                               const client::ClientKeys& keys) {
  return std::make_unique<MeshHandshake>(context, std::move(endpoint), keys);
}

}  // namespace kvmesh::bench
