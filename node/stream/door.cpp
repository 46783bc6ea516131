#include "node/stream/door.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>
#include <asio/post.hpp>

#include "common/signals_blocked.h"
#include "common/wire/buffer.h"
#include "node/stream/yielding.h"

namespace kvmesh::stream {
namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::minutes kBetweenDoorWarnings{1};
constexpr double kToldPerSecond = 10;    // refusals of an address that the audit log is told of
constexpr char kHandshakeRecord = 0x16;  // the first byte of every TLS connection

TimePoint clock_now() { return std::chrono::steady_clock::now(); }

}  // namespace

// A connection before its handshake is done. The watcher never owns the descriptor.
struct Door::Guest {
  Guest(Socket its_socket, asio::io_context& loop)
      : socket(std::move(its_socket)),
        watcher(loop),
        address(AddressKey::of_peer(socket.descriptor())) {}
  ~Guest() { let_go(); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  void let_go() {
    if (watcher.is_open()) (void)watcher.release();
  }

  Socket socket;
  asio::posix::stream_descriptor watcher;
  AddressKey address;
  TimePoint until;
  std::list<std::shared_ptr<Guest>>::iterator place;
  bool has_left = false;
};

Door::Door(Options options, tls::Certificates& certificates, ConnectionCount& count,
           Handover handover)
    : options_(std::move(options)),
      certificates_(certificates),
      count_(count),
      handover_(std::move(handover)),
      work_(loop_.get_executor()),
      budget_({static_cast<double>(kBurst), static_cast<double>(kPerSecond)}),
      told_({kToldPerSecond, kToldPerSecond}) {}

Door::~Door() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

Status Door::start() {
  look_at_certificates();
  try {
    const SignalsBlocked blocked;
    thread_ = std::thread{[this] {
      let_others_go_first();
      loop_.run();
    }};
    return {};
  } catch (const std::system_error& error) {
    return {StatusCode::kInternal,
            std::string{"cannot start the thread of TLS handshakes: "} + error.what()};
  }
}

void Door::take(Socket socket) {
  if (half_open_.fetch_add(1, std::memory_order_relaxed) >= kHalfOpenMax) {
    half_open_.fetch_sub(1, std::memory_order_relaxed);
    turned_away_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto guest = std::make_shared<Guest>(std::move(socket), loop_);
  asio::post(loop_, [this, guest = std::move(guest)] { begin(guest); });
}

void Door::begin(const GuestPointer& guest) {
  guest->until = clock_now() + kTimeMax;
  guest->place = guests_.insert(guests_.end(), guest);
  if (!budget_.take(guest->address, clock_now())) {
    return refuse(guest, "its address begins too many of them");
  }
  asio::error_code error;
  guest->watcher.assign(guest->socket.descriptor(), error);
  if (error) return refuse(guest, error.message());
  arm_timer();
  wait(guest, false);
}

void Door::wait(const GuestPointer& guest, bool for_room) {
  const auto what = for_room ? asio::posix::stream_descriptor::wait_write
                             : asio::posix::stream_descriptor::wait_read;
  guest->watcher.async_wait(what, [this, guest, for_room](asio::error_code cancelled) {
    if (cancelled || guest->has_left) return;
    if (guest->socket.tls() != nullptr) guest->socket.note(for_room ? EPOLLOUT : EPOLLIN);
    go_on(guest);
  });
}

void Door::go_on(const GuestPointer& guest) {
  if (guest->socket.tls() == nullptr) {
    if (!look_at_first_byte(guest)) return;
    auto session = tls::Session::make(guest->socket.descriptor(), certificates_.get());
    if (!session) return refuse(guest, "there is no memory for it");
    guest->socket.set_tls(std::move(session));
  }
  shake_hands(guest);
}

// False when it is none of TLS, or has not come: then all is done that can be.
bool Door::look_at_first_byte(const GuestPointer& guest) {
  char first = 0;
  const auto got = ::recv(guest->socket.descriptor(), &first, 1, MSG_DONTWAIT | MSG_PEEK);
  if (got == 1 && first == kHandshakeRecord) return true;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    wait(guest, false);
    return false;
  }
  if (got == 1) {
    warn_of(guest->socket.address(), "it speaks no TLS");
    answer(guest->socket, StatusCode::kProtocolError,
           "this port speaks TLS; connect with TLS 1.2 or 1.3. The connection is closed");
  }
  leave(guest);
  return false;
}

void Door::shake_hands(const GuestPointer& guest) {
  using Step = tls::Session::Step;
  switch (guest->socket.tls()->handshake()) {
    case Step::kDone:
      return let_in(guest);
    case Step::kWaitsForBytes:
      return wait(guest, false);
    case Step::kWaitsForRoom:
      return wait(guest, true);
    case Step::kLeft:
      return leave(guest);
    case Step::kFailed:
      return refuse(guest, guest->socket.tls()->fault());
  }
}

void Door::let_in(const GuestPointer& guest) {
  guest->let_go();
  if (count_.fetch_add(1, std::memory_order_relaxed) >= options_.connections_max) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    answer(guest->socket, StatusCode::kOverloaded,
           "this node has its " + std::to_string(options_.connections_max) + " connections (" +
               options_.section + ".connections_max); try again later");
    return leave(guest);
  }
  if (options_.audit != nullptr && !guest->socket.user().empty()) {
    tell(core::AuditEvent::Kind::kConnected, guest->socket.user(), guest->socket.address(),
         "TLS: its certificate");
  }
  guest->socket.note(0);  // its flags are those after the handshake
  handover_(std::move(guest->socket));
  leave(guest);
}

void Door::tell(core::AuditEvent::Kind kind, std::string_view user, const std::string& from,
                const std::string& what) {
  core::AuditEvent event;
  event.kind = kind;
  event.principal = user;
  event.from = from;
  event.what = what;
  options_.audit->tell(event);
}

// Its last words, as far as there is room for them.
void Door::answer(Socket& socket, StatusCode code, std::string_view text) {
  wire::Buffer out;
  options_.make_codec()->append_error(out, code, text);
  (void)socket.write(out.view());
  socket.write_no_more();
  // The kernel throws away what is not delivered when a socket is closed with input unread.
  std::array<char, 4096> unread;  // NOLINT: filled by the next call
  (void)::recv(socket.descriptor(), unread.data(), unread.size(), MSG_DONTWAIT);
}

void Door::refuse(const GuestPointer& guest, std::string_view why) {
  const auto from = guest->socket.address();
  warn_of(from, why);
  if (options_.audit != nullptr && told_.take(guest->address, clock_now())) {
    tell(core::AuditEvent::Kind::kRefused, {}, from, "TLS: " + std::string{why});
  }
  leave(guest);
}

void Door::leave(const GuestPointer& guest) {
  if (std::exchange(guest->has_left, true)) return;
  guest->let_go();
  guest->socket.close();
  half_open_.fetch_sub(1, std::memory_order_relaxed);
  guests_.erase(guest->place);
}

void Door::arm_timer() {
  if (timer_is_set_ || guests_.empty()) return;
  timer_is_set_ = true;
  timer_.expires_after(kTick);
  timer_.async_wait([this](asio::error_code cancelled) {
    timer_is_set_ = false;
    if (cancelled) return;
    const auto now = clock_now();
    while (!guests_.empty() && guests_.front()->until <= now) {
      const auto guest = guests_.front();
      refuse(guest, "it was not done after " + std::to_string(kTimeMax.count()) + " s");
    }
    arm_timer();
  });
}

void Door::look_at_certificates() {
  certificates_.look(std::chrono::system_clock::now());
  look_timer_.expires_after(tls::Certificates::kBetweenLooks);
  look_timer_.async_wait([this](asio::error_code cancelled) {
    if (!cancelled) look_at_certificates();
  });
}

void Door::warn_of(const std::string& address, std::string_view why) {
  const auto now = clock_now();
  if (warned_at_ && now - *warned_at_ < kBetweenDoorWarnings) {
    ++not_warned_of_;
    return;
  }
  warned_at_ = now;
  const auto others = std::exchange(not_warned_of_, 0) + turned_away_.exchange(0);
  spdlog::warn(
      "the TLS handshake of {} failed: {}; its connection is closed{}",
      address.empty() ? "a client that has gone" : address, why,
      others == 0 ? "" : " (as " + std::to_string(others) + " more since the last warning)");
}

}  // namespace kvmesh::stream
