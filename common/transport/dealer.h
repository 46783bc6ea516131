#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>
#include <zmq.hpp>

#include "common/security/keys.h"
#include "common/transport/message.h"
#include "common/wire/buffer.h"

namespace kvmesh::transport {

/// One connection, from its first attempt to its end: a DEALER socket that never reconnects by
/// itself, and the monitor that tells what becomes of it. After kLost nothing may be sent, but what
/// has arrived can still be read; then it is destroyed and the next connection is another Dealer.
/// That is what keeps requests of one connection out of the next, and loses no reply that had come
/// in. Not thread-safe.
class Dealer {
 public:
  /// kInternal when libzmq has no more sockets.
  static Result<std::unique_ptr<Dealer>> open(zmq::context_t& context);
  ~Dealer();
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  /// The connection is encrypted: only who has the secret half of `server` can answer, and learns
  /// that this side has `own`. Before connect().
  Status secure(const security::KeyPair& own, const security::PublicKey& server);
  /// Begins to connect, once. An endpoint of numbers: libzmq would look up a name on the thread
  /// that all its connections share. kInvalidArgument when it does not take the endpoint.
  Status connect(const std::string& endpoint);

  /// Why, when the system says that nobody listens there.
  static constexpr std::string_view kRefused = "connection refused";

  enum class Event { kConnected, kLost };
  /// How the two sides did not agree about their keys.
  enum class Disagreement {
    kNone,     ///< they did, or it was lost for another reason
    kOnlyOne,  ///< one of them has no key
    kRefused,  ///< the other one does not let this side's key in
    kUnknown,  ///< the handshake failed: as for kOnlyOne, or the other one does not have the key
               ///< that was expected, or does not speak ZeroMQ
  };
  struct Happening {
    Event event;
    std::string why;  // of kLost
    Disagreement disagreement = Disagreement::kNone;
  };
  /// What the monitor has told since the last call, one thing at a time.
  std::optional<Happening> next_event();

  /// As of connect().
  const std::string& endpoint() const { return endpoint_; }

  /// Whether somebody has accepted the connection, as far as next_event() has looked; only
  /// kConnected says that it is a ZeroMQ socket.
  bool is_accepted() const { return is_accepted_; }

  /// REQUIRES: kConnected was told and kLost was not.
  Sent send(wire::Buffer& frame);
  /// Bytes of large frames that the socket has taken and not written yet.
  std::size_t unsent_bytes() const { return unsent_->value(); }
  /// The next frame; lives until the next call. Multipart messages are passed over.
  std::optional<std::string_view> receive();
  Ready poll();
  /// Was the socket used since it last said that nothing is there? Sending may have swallowed the
  /// news of a frame: then fd() stays silent, and only poll() or receive() tell of it.
  bool may_hide_input() const { return may_hide_input_; }

  /// Descriptors to watch for reading; valid until the object's end.
  int fd() { return socket_.get(zmq::sockopt::fd); }
  int monitor_fd() { return monitor_.get(zmq::sockopt::fd); }

 private:
  explicit Dealer(zmq::context_t& context);
  std::string why_not_connected() const;
  static Disagreement disagreement(std::uint16_t event, std::uint32_t detail);

  zmq::socket_t socket_;
  zmq::socket_t monitor_;
  Message message_;
  std::shared_ptr<UnsentBytes> unsent_ = std::make_shared<UnsentBytes>();
  bool may_hide_input_ = true;
  bool is_accepted_ = false;
  std::string endpoint_;
  std::chrono::steady_clock::time_point began_;  // to connect
};

}  // namespace kvmesh::transport
