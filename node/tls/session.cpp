#include "node/tls/session.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace kvmesh::tls {
namespace {

constexpr std::size_t kBufferBytes = 17 * 1024;  // of OpenSSL's: a record
// What may come without any byte for us: more than a record, and what was read ahead of it. Records
// that carry nothing (new keys) cost much, and OpenSSL takes them without end.
constexpr std::size_t kBytesWithoutDataMax = 40 * 1024;

// Before a call whose fault is asked for. Emptying what is empty costs as much as a small record.
void forget_faults() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

bool is_retry(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

std::unique_ptr<Session> Session::make(int descriptor, std::shared_ptr<const Context> context) {
  auto session = context->make_session();
  if (!session) return nullptr;
  std::unique_ptr<Session> out{new Session{descriptor, std::move(session), std::move(context)}};
  BIO* bio = BIO_new(method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &out->wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(out->session_.get(), bio, bio);  // owns it
  SSL_set_accept_state(out->session_.get());
  return out;
}

Session::Session(int descriptor, Owned<SSL> session, std::shared_ptr<const Context> context)
    : context_(std::move(context)), session_(std::move(session)) {
  wire_.descriptor = descriptor;
  wire_.allowance = context_->asks_clients() ? kHandshakeBytesWithCertificates : kHandshakeBytes;
}

// OpenSSL's own BIO of a socket would raise SIGPIPE, and ask the kernel for bytes that are known
// not to be there.
const BIO_METHOD* Session::method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* out = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kvmesh socket");
    BIO_meth_set_read(out, receive);
    BIO_meth_set_write(out, send);
    BIO_meth_set_ctrl(out, control);
    return out;
  }();
  return kMethod;
}

int Session::receive(BIO* bio, char* room, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!wire.readable) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto most = std::min(static_cast<std::size_t>(size), wire.allowance);
  if (most == 0) return -1;
  ssize_t got = 0;
  do {
    got = ::recv(wire.descriptor, room, most, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    wire.readable = bytes == most || wire.hung_up;
    wire.allowance -= bytes;
    return static_cast<int>(got);
  }
  wire.readable = false;
  wire.has_ended = got == 0;
  if (got < 0 && is_retry(errno)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int Session::send(BIO* bio, const char* bytes, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  ssize_t sent = 0;
  do {
    sent =
        ::send(wire.descriptor, bytes, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  wire.writable = sent == size;
  if (sent < 0 && is_retry(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long Session::control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<Wire*>(BIO_get_data(bio))->has_ended ? 1 : 0;
  return 0;
}

Session::Step Session::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return finish();
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWaitsForBytes;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWaitsForRoom;
    default:
      break;
  }
  if (wire_.has_ended) return Step::kLeft;
  if (wire_.allowance == 0) return fail("it sends too much before it has introduced itself");
  const bool is_verify = SSL_get_verify_result(session_.get()) != X509_V_OK;
  if (is_verify) {
    const auto* why = X509_verify_cert_error_string(SSL_get_verify_result(session_.get()));
    return fail(std::string{"its certificate is of no user of this node: "} + why);
  }
  return fail(ERR_peek_error() == 0 ? "the connection broke" : take_fault());
}

Session::Step Session::finish() {
  auto peer = context_->peer_of(session_.get());
  if (!peer) return fail("its certificate is of no user of this node any more");
  peer_ = *std::move(peer);
  wire_.allowance = kBytesWithoutDataMax;
  is_done_ = true;
  may_have_more_ = true;  // a read finds out
  return Step::kDone;
}

Session::Step Session::fail(std::string why) {
  ERR_clear_error();
  fault_ = std::move(why);
  is_broken_ = true;
  return Step::kFailed;
}

void Session::note(std::uint32_t events) {
  constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & kEnd) != 0) wire_.hung_up = true;
  if ((events & (EPOLLIN | kEnd)) != 0) wire_.readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) wire_.writable = true;
}

std::size_t Session::kept_bytes() const {
  return (SSL_has_pending(session_.get()) == 1 ? kBufferBytes : 0) +
         (wire_.writable ? 0 : kBufferBytes);
}

std::optional<std::size_t> Session::read(std::span<char> room) {
  std::size_t got = 0;
  waits_for_room_ = false;
  may_have_more_ = true;
  while (got < room.size() && !is_broken_) {
    forget_faults();
    std::size_t count = 0;
    if (SSL_read_ex(session_.get(), room.data() + got, room.size() - got, &count) == 1) {
      got += count;
      wire_.allowance = kBytesWithoutDataMax;
      may_have_more_ = wire_.readable || SSL_has_pending(session_.get()) == 1;
      if (!may_have_more_) return got;  // OpenSSL would find out by way of a buffer of a record
      continue;
    }
    switch (SSL_get_error(session_.get(), 0)) {
      case SSL_ERROR_WANT_READ:
        may_have_more_ = false;
        return got;
      case SSL_ERROR_WANT_WRITE:
        may_have_more_ = false;
        waits_for_room_ = true;
        return got;
      case SSL_ERROR_ZERO_RETURN:
        may_have_more_ = false;
        ended_ = true;
        return got;
      default:
        ERR_clear_error();
        is_broken_ = true;  // told when what came before is taken
    }
  }
  if (got == 0 && is_broken_) return std::nullopt;
  return got;
}

std::optional<std::size_t> Session::write(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    if (is_broken_) return std::nullopt;
    forget_faults();
    std::size_t count = 0;
    if (SSL_write_ex(session_.get(), bytes.data() + taken, bytes.size() - taken, &count) == 1) {
      taken += count;
      continue;
    }
    if (SSL_get_error(session_.get(), 0) == SSL_ERROR_WANT_WRITE) {
      wire_.writable = false;
      return taken;
    }
    ERR_clear_error();
    is_broken_ = true;
  }
  return taken;
}

void Session::end() {
  if (!is_done_ || is_broken_ || has_said_end_) return;
  has_said_end_ = true;
  ERR_clear_error();
  (void)SSL_shutdown(session_.get());
  ERR_clear_error();
}

}  // namespace kvmesh::tls
