#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh::bench {

/// What the TLS connections of a run share: how the other side is looked at. No connection takes up
/// the session of another, so each handshake is a whole one. Immutable; thread-safe.
class TlsContext {
 public:
  /// With a file of authorities' certificates, in PEM, they must have signed the server's, which
  /// must be made out to the host; without, whoever answers is believed. kInvalidArgument when the
  /// file cannot be used. Does I/O.
  static Result<std::shared_ptr<const TlsContext>> make(const std::string& ca_file);

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* session) const { SSL_free(session); }
  };
  /// A session with that host; null when there is no memory for one.
  std::unique_ptr<SSL, Free> make_session(const std::string& host) const;

 private:
  explicit TlsContext(std::unique_ptr<SSL_CTX, Free> context) : context_(std::move(context)) {}

  std::unique_ptr<SSL_CTX, Free> context_;
  bool asks_ = false;
};

/// The client's end of one TLS connection, over a socket that somebody else owns; no call waits.
/// Stays where it is in memory. One thread.
class TlsSession {
 public:
  /// `address` is HOST:PORT, for whom the certificate may have to be, and for messages.
  static Result<std::unique_ptr<TlsSession>> begin(int socket, const TlsContext& context,
                                                   const std::string& address);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() = default;

  /// The descriptor may have become readable since the last call.
  void note_readable() { wire_.readable = true; }
  enum class Step : std::uint8_t { kDone, kWaitsForBytes, kWaitsForRoom };
  /// Goes on with the handshake as far as it can. An error says why there will be none.
  Result<Step> handshake();
  /// What was taken; 0: the connection takes nothing now. Bytes that were not taken must come first
  /// in the next call.
  Result<std::size_t> write(std::string_view bytes);
  /// What came; 0: nothing more has come yet, or the other side has ended: has_ended() tells.
  Result<std::size_t> read(std::span<char> room);
  /// Whether a read may find something before the descriptor becomes readable again.
  bool may_have_more() const;
  bool has_ended() const { return has_ended_; }
  /// Tells the other side that nothing follows, if there is room for that.
  void end();

 private:
  struct Wire {
    int socket = -1;
    bool readable = true;
  };

  TlsSession(int socket, std::string address) : address_(std::move(address)) {
    wire_.socket = socket;
  }
  static const BIO_METHOD* method();
  static int receive(BIO* bio, char* room, int size);
  static int send(BIO* bio, const char* bytes, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  Status broken() const;

  Wire wire_;
  std::string address_;
  std::unique_ptr<SSL, TlsContext::Free> session_;
  bool has_ended_ = false;
};

}  // namespace kvmesh::bench
