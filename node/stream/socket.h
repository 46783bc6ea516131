#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "node/tls/session.h"

namespace kvmesh::stream {

/// A connection's socket: no call waits, and none is made in vain. A ReadySet tells once that the
/// socket has become readable or writable, and note() keeps that until a call has used it up: a
/// read that leaves room has taken all that was there, a write that leaves bytes has filled the
/// kernel's buffer. So a connection may stop reading for as long as it likes, and find out when it
/// goes on whether there is something.
/// With TLS the same holds of what it has decrypted; without, that costs a branch a call. Not
/// thread-safe.
class Socket {
 public:
  /// Owns `descriptor`, a TCP socket that is connected.
  explicit Socket(int descriptor);
  /// From now on all goes through `session`, which is of this socket's descriptor and has done its
  /// handshake, or is about to.
  void set_tls(std::unique_ptr<tls::Session> session);
  /// Null when it is plain.
  tls::Session* tls() { return tls_.get(); }
  /// The user whose certificate the client has shown; empty when it has none.
  std::string_view user() const {
    return tls_ ? std::string_view{tls_->user()} : std::string_view{};
  }

  Socket(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  /// For a ReadySet; -1 when it is closed.
  int descriptor() const { return descriptor_; }
  /// What the ReadySet has told: flags of epoll.
  void note(std::uint32_t events);

  /// A read would bring bytes, or the end. False: the ReadySet will tell.
  bool is_readable() const { return readable_ && !ended_; }
  /// A write would take bytes. False: the ReadySet will tell.
  bool is_writable() const { return writable_; }
  /// A read has met the end: the client sends no more. It may still read.
  bool has_ended() const { return ended_; }

  /// Bytes that were read; 0 when there are none now, or no more (has_ended()). Nothing when the
  /// connection is broken: close it. REQUIRES: there is room.
  std::optional<std::size_t> read(std::span<char> room);
  /// Bytes that were taken, of the first ones. Nothing when the connection is broken: close it.
  std::optional<std::size_t> write(std::string_view bytes);
  /// The client finds the end after what was written.
  void write_no_more();
  void close();

  /// Bytes that TLS keeps for it.
  std::size_t kept_bytes() const { return tls_ ? tls_->kept_bytes() : 0; }
  /// The client's, as host:port; empty when it has gone.
  std::string address() const;

 private:
  std::optional<std::size_t> read_tls(std::span<char> room);
  std::optional<std::size_t> write_tls(std::string_view bytes);
  void take_flags();

  int descriptor_;
  bool readable_ = false;  // the ReadySet begins by telling
  bool writable_ = true;
  bool hung_up_ = false;  // the end, or a fault, comes after the bytes: no edge will tell of it
  bool ended_ = false;
  std::unique_ptr<tls::Session> tls_;  // null: plain
};

}  // namespace kvmesh::stream
