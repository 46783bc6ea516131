#include "client/bench/tls_session.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/config/address.h"
#include "common/text.h"

namespace kvmesh::bench {
namespace {

// Before a call whose fault is asked for. Emptying what is empty costs as much as a small record.
void forget_tls_faults() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// The oldest fault that OpenSSL has noted, or what the system says; empty when neither knows.
std::string take_tls_fault() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  return errno == 0 ? "" : std::generic_category().message(errno);
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> out{
      new TlsContext{std::unique_ptr<SSL_CTX, Free>{SSL_CTX_new(TLS_client_method())}}};
  auto* context = out->context_.get();
  if (context == nullptr) return Status{StatusCode::kInternal, "no TLS: " + take_tls_fault()};
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  if (ca_file.empty()) return std::shared_ptr<const TlsContext>{std::move(out)};
  errno = 0;
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return Status{StatusCode::kInvalidArgument,
                  "the file " + in_quotes(ca_file, 4096) +
                      " cannot be read, or holds no certificate in PEM (" + take_tls_fault() +
                      "); name one with the authority of the server's certificate"};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  out->asks_ = true;
  return std::shared_ptr<const TlsContext>{std::move(out)};
}

std::unique_ptr<SSL, TlsContext::Free> TlsContext::make_session(const std::string& host) const {
  std::unique_ptr<SSL, Free> out{SSL_new(context_.get())};
  if (!out || !asks_) return out;
  auto* wanted = SSL_get0_param(out.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return out;
  ERR_clear_error();  // it is a name
  const bool is_set = SSL_set1_host(out.get(), host.c_str()) == 1 &&
                      SSL_set_tlsext_host_name(out.get(), host.c_str()) == 1;
  if (!is_set) out.reset();
  return out;
}

Result<std::unique_ptr<TlsSession>> TlsSession::begin(int socket, const TlsContext& context,
                                                      const std::string& address) {
  const auto host = parse_host_port(address, AddressUse::kConnect);
  if (!host) return host.status();
  std::unique_ptr<TlsSession> out{new TlsSession{socket, address}};
  out->session_ = context.make_session(host->host);
  BIO* bio = out->session_ ? BIO_new(method()) : nullptr;
  if (bio == nullptr) return Status{StatusCode::kInternal, "no TLS: " + take_tls_fault()};
  BIO_set_data(bio, &out->wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(out->session_.get(), bio, bio);  // owns it
  SSL_set_connect_state(out->session_.get());
  return out;
}

// OpenSSL's own BIO of a socket would raise SIGPIPE, and ask the kernel for bytes that are known
// not to be there.
const BIO_METHOD* TlsSession::method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* out = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "load socket");
    BIO_meth_set_read(out, receive);
    BIO_meth_set_write(out, send);
    BIO_meth_set_ctrl(out, control);
    return out;
  }();
  return kMethod;
}

int TlsSession::receive(BIO* bio, char* room, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!wire.readable) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto got = ::recv(wire.socket, room, static_cast<std::size_t>(size), MSG_DONTWAIT);
  wire.readable = got == size;  // less: that was all; epoll tells of more
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    wire.readable = errno == EINTR;
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(got);
}

int TlsSession::send(BIO* bio, const char* bytes, int size) {
  const auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto sent =
      ::send(wire.socket, bytes, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long TlsSession::control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

Result<TlsSession::Step> TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return Step::kDone;
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWaitsForBytes;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWaitsForRoom;
    default:
      break;
  }
  const auto verified = SSL_get_verify_result(session_.get());
  auto why = take_tls_fault();
  if (verified != X509_V_OK) {
    return Status{StatusCode::kUnavailable, "no TLS with " + address_ + ": " + why + ": " +
                                                X509_verify_cert_error_string(verified) +
                                                "; give the file with its authority as --tls-ca"};
  }
  if (why.empty()) why = "the other side closed the connection";
  return Status{StatusCode::kUnavailable,
                "no TLS with " + address_ + ": " + why +
                    "; see that a server with TLS listens there, and what its log says"};
}

Status TlsSession::broken() const {
  const auto why = take_tls_fault();
  return {StatusCode::kUnavailable, "the TLS connection to " + address_ + ": " +
                                        (why.empty() ? "the other side closed it" : why)};
}

Result<std::size_t> TlsSession::write(std::string_view bytes) {
  forget_tls_faults();
  errno = 0;
  std::size_t taken = 0;
  if (SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &taken) == 1) return taken;
  const auto error = SSL_get_error(session_.get(), 0);
  if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return std::size_t{0};
  return broken();
}

Result<std::size_t> TlsSession::read(std::span<char> room) {
  forget_tls_faults();
  errno = 0;
  std::size_t got = 0;
  if (SSL_read_ex(session_.get(), room.data(), room.size(), &got) == 1) return got;
  const auto error = SSL_get_error(session_.get(), 0);
  if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return std::size_t{0};
  has_ended_ = error == SSL_ERROR_ZERO_RETURN;
  if (has_ended_) return std::size_t{0};
  return broken();
}

bool TlsSession::may_have_more() const {
  return wire_.readable || SSL_has_pending(session_.get()) == 1;
}

void TlsSession::end() {
  ERR_clear_error();
  (void)SSL_shutdown(session_.get());
  ERR_clear_error();
}

}  // namespace kvmesh::bench
