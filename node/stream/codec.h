#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <kvmesh/status.h>

#include "common/request.h"
#include "common/wire/buffer.h"

namespace kvmesh::stream {

/// A codec's own number for a kind of request: what it needs to know to print the reply.
using Tag = std::uint16_t;

/// Where a codec may write what its request points to.
struct RequestScratch {
  std::array<ArgumentView, 4> words;
  wire::Buffer bytes;
};

/// What a codec found at the beginning of a connection's input.
struct Message {
  enum class Kind : std::uint8_t {
    kNone,      // no whole message yet
    kRequest,   // for the core
    kAnswered,  // needs no request: its reply is `reply`
    kConstant,  // the same, and its reply is constant(tag): costs little while it waits its turn
    kLogin,     // `user` says who it is, with `secret`; its reply is constant(tag), or an error
    kWhoAmI,    // its reply is append_identity()
  };
  Kind kind = Kind::kNone;
  Tag tag = 0;
  bool is_costly = false;     // of kRequest: may take milliseconds
  bool ends_input = false;    // nothing after it is read; the connection closes after its reply
  std::string_view reply;     // of kAnswered, as it is sent; valid until the codec's next call
  std::string_view protocol;  // the client speaks this one, a foreign one; for the log
  // Of kLogin; valid until the codec's next call. The secret reaches no text.
  std::string_view user;
  std::string_view secret;
  std::size_t taken = 0;  // bytes of the input that are done with, for kNone too
};

/// The protocol of one connection over a byte stream: takes requests out of its bytes and prints
/// their replies, in the order of the requests. Knows no socket, and nothing of other connections.
/// Not thread-safe.
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  /// "the line protocol".
  virtual std::string_view name() const = 0;

  /// Takes one message off `input`, which may be cut anywhere and begins with what the last call
  /// has not taken. For kRequest it sets `request`, all but id and timeout, packed or not; what
  /// that points to lies in `input`, which stays until the core has the request, or is written to
  /// `scratch`. Total: any bytes lead to a message or to none.
  virtual Message next(std::string_view input, RequestView& request, RequestScratch& scratch) = 0;
  /// The input that may be needed for the next whole message.
  virtual std::size_t input_max() const = 0;
  /// While it is locked, its client has not proved who it is, and everybody may not do everything:
  /// it gives out no requests, and takes no message that is longer than it need be.
  virtual void set_locked(bool locked) { (void)locked; }
  /// Throws away input without end, such as the rest of a line that is too long.
  virtual bool is_skipping() const { return false; }

  /// Bytes that it keeps of messages that wait for others to come after them.
  virtual std::size_t kept_bytes() const { return 0; }
  /// Gives these back, as all connections together keep too much; the client is told when it goes
  /// on with what they were for.
  virtual void keep_no_more() {}

  /// Appends the reply to a request with that tag. Its result may be packed, or be bytes that are
  /// not (ReplyView).
  virtual void append_reply(wire::Buffer& out, Tag tag, const ReplyView& reply) const = 0;
  /// The reply to a message that was kConstant; lives as long as the program.
  virtual std::string_view constant(Tag tag) const {
    (void)tag;
    return {};
  }
  /// The reply to kWhoAmI; `name` is empty for somebody who is anonymous.
  virtual void append_identity(wire::Buffer& out, std::string_view name) const {
    (void)out;
    (void)name;
  }
  /// Overwrites what it keeps of the last kLogin.
  virtual void wipe_secret() {}
  virtual void append_error(wire::Buffer& out, StatusCode code, std::string_view text) const = 0;
};

/// Makes the codec of one connection. Thread-safe.
using CodecFactory = std::function<std::unique_ptr<Codec>()>;

}  // namespace kvmesh::stream
