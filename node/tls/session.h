#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "node/tls/context.h"
#include "node/tls/openssl.h"

namespace kvmesh::tls {

/// One TLS connection over a socket that somebody else owns: no call waits, and none of the kernel
/// is made in vain. It keeps what note() tells of the socket as stream::Socket does, beneath
/// OpenSSL, which asks for bytes as it likes. Stays where it is in memory. Used by one thread at a
/// time; it may go from one to another.
class Session {
 public:
  /// What a client may send before the handshake is over. A chain of certificates takes more.
  static constexpr std::size_t kHandshakeBytes = 4096;
  static constexpr std::size_t kHandshakeBytesWithCertificates = 16384;

  /// For the server's end of `descriptor`. Null when there is no memory for it.
  static std::unique_ptr<Session> make(int descriptor, std::shared_ptr<const Context> context);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() = default;

  enum class Step : std::uint8_t {
    kDone,
    kWaitsForBytes,  // note() that the socket has become readable, then go on
    kWaitsForRoom,   // the same of writable
    kLeft,           // the client closed the connection
    kFailed,         // fault() says why
  };
  /// Goes on with the handshake as far as it can.
  Step handshake();
  /// In words of OpenSSL or ours.
  const std::string& fault() const { return fault_; }
  /// The user whose certificate it is; empty without one. Of a handshake that is done.
  const std::string& user() const { return peer_.user; }
  const PeerCertificate& certificate() const { return peer_.certificate; }

  /// What a ReadySet has told: flags of epoll.
  void note(std::uint32_t events);
  bool is_readable() const {
    return !ended_ && (may_have_more_ || wire_.readable || (waits_for_room_ && wire_.writable));
  }
  bool is_writable() const { return wire_.writable; }
  bool has_ended() const { return ended_; }

  /// What it keeps of records that are not whole: only then it has buffers.
  std::size_t kept_bytes() const;

  // As those of stream::Socket. Bytes that a write has not taken must come first in the next one.
  std::optional<std::size_t> read(std::span<char> room);
  std::optional<std::size_t> write(std::string_view bytes);
  /// The client is told that nothing follows, if there is room for that. Nothing can be written
  /// then.
  void end();

 private:
  struct Wire {
    int descriptor = -1;
    bool readable = true;
    bool writable = true;
    bool hung_up = false;
    bool has_ended = false;
    std::size_t allowance = 0;  // bytes that may come before the handshake is over, or data comes
  };

  Session(int descriptor, Owned<SSL> session, std::shared_ptr<const Context> context);
  static const BIO_METHOD* method();
  static int receive(BIO* bio, char* room, int size);
  static int send(BIO* bio, const char* bytes, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  Step finish();
  Step fail(std::string why);

  Wire wire_;
  std::shared_ptr<const Context> context_;
  Owned<SSL> session_;
  std::string fault_;
  Context::Peer peer_;
  bool is_done_ = false;         // the handshake
  bool may_have_more_ = false;   // decrypted, or read and not yet decrypted
  bool waits_for_room_ = false;  // a read does, for an answer to the protocol
  bool ended_ = false;
  bool is_broken_ = false;
  bool has_said_end_ = false;
};

}  // namespace kvmesh::tls
