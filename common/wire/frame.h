#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <kvmesh/status.h>

#include "common/wire/buffer.h"

/// Frames: the outer layer of the mesh protocol (common/PROTOCOL.md, section "Frames"). A frame is
/// one ZeroMQ message: a version byte, a kind byte, then the content of that kind.
namespace kvmesh::wire {

inline constexpr std::uint8_t kProtocolVersion = 1;
/// Of connections with keys: requests may say who asks. Frames are those of version 1, and so is
/// their version byte.
inline constexpr std::uint64_t kProtocolVersionWho = 2;
inline constexpr std::size_t kFrameHeaderBytes = 2;
inline constexpr std::size_t kRecordPrefixBytes = 4;

enum class FrameKind : std::uint8_t {
  kHello = 1,          ///< dialling side, first frame of a connection
  kWelcome = 2,        ///< answer to HELLO; requests may follow
  kRequests = 3,       ///< a run of request records
  kReplies = 4,        ///< a run of reply records
  kPing = 5,           ///< any bytes, at most limits::kPingBytesMax
  kPong = 6,           ///< the same bytes back
  kRefused = 7,        ///< a frame was not understood or not allowed; it had no effect
  kGoodbye = 8,        ///< send no more requests on this connection; replies still come
  kTimedRequests = 9,  ///< a stamp of when it was sent, then request records
  kRead = 10,          ///< so many bytes of replies were read
};
inline constexpr std::uint8_t kFrameKindLast = 10;
/// Of TIMED_REQUESTS, in front of the records; PINGs may begin with one.
inline constexpr std::size_t kStampBytes = 8;

struct Frame {
  FrameKind kind = FrameKind::kHello;
  std::string_view content;
};

/// Why a frame or record was refused; counted by each, so that operators see who sends what.
enum class Refusal : std::uint8_t {
  kEmpty,      ///< shorter than a header
  kVersion,    ///< another protocol version
  kKind,       ///< an unknown kind, or one that this side does not take
  kTruncated,  ///< a record that is longer than its frame
  kMalformed,  ///< content that is not what the kind demands
  kOversize,   ///< a frame, record or PING over its limit
  kMultipart,  ///< more than one ZeroMQ frame in a message
  kIdentity,   ///< a connection that chose its own ZeroMQ routing id
  kNoHello,    ///< anything before HELLO
  kFlood,      ///< more clients, or more unread replies, than limits.h allows
  kKey,        ///< a name that the connection's key does not prove
};
inline constexpr int kRefusalCount = 11;
std::string_view to_string(Refusal reason);

/// The frame in `bytes`, or why it is none. HELLO and REFUSED are read whatever their version byte,
/// so that two sides can agree on a version, or tell each other that they have none in common.
struct FrameOrRefusal {
  std::optional<Frame> frame;
  Refusal refusal = Refusal::kEmpty;
};
FrameOrRefusal parse_frame(std::string_view bytes);

/// Begins a frame in an empty buffer.
void begin_frame(Buffer& out, FrameKind kind);

/// Writes a stamp after the frame's header. REQUIRES: room for it is there.
void put_stamp(Buffer& frame, std::uint64_t stamp_us);
/// Appends a stamp, or an age in microseconds, which looks the same.
void append_stamp(Buffer& out, std::uint64_t stamp_us);
/// Takes it off the front; empty when there are too few bytes.
std::optional<std::uint64_t> take_stamp(std::string_view& content);

/// What Buffer::put_u32() wrote. REQUIRES: at least 4 bytes.
inline std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

/// Takes the next record off a run: empty when the run has ended or is broken; then `refusal` says
/// which.
std::optional<std::string_view> next_record(std::string_view& run, std::optional<Refusal>& refusal);

/// Content of HELLO.
struct Hello {
  std::uint64_t version_min = kProtocolVersion;
  std::uint64_t version_max = kProtocolVersion;
  std::string_view name;      // the node that dials; empty for a plain client
  std::string_view software;  // "kvmesh 0.1.0", for logs
  std::uint64_t table_epoch = 0;
  std::uint64_t clock_us = 0;     // of the dialler, as in its stamps; 0: it has none
  bool tells_read = false;        // it will send READ
  std::uint64_t incarnation = 0;  // of this start of the node; 0: it does not say
};
void encode(Buffer& out, const Hello& hello);
std::optional<Hello> decode_hello(std::string_view content);

/// Content of WELCOME.
struct Welcome {
  std::uint64_t version = kProtocolVersion;
  std::string_view name;
  std::string_view software;
  std::uint64_t table_epoch = 0;
  std::uint64_t in_flight_max = 0;        // requests this connection may have unanswered
  std::uint64_t in_flight_bytes_max = 0;  // and their bytes
  bool takes_timed = false;               // TIMED_REQUESTS and READ
};
void encode(Buffer& out, const Welcome& welcome);
std::optional<Welcome> decode_welcome(std::string_view content);

/// Content of READ: so many bytes of REPLIES frames were read since the last one.
struct Read {
  std::uint64_t bytes = 0;
};
void encode(Buffer& out, const Read& read);
std::optional<Read> decode_read(std::string_view content);

/// Content of REFUSED.
struct Refused {
  StatusCode code = StatusCode::kProtocolError;
  std::string_view text;
};
void encode(Buffer& out, const Refused& refused);
/// A code that only later versions know reads as kInternal.
std::optional<Refused> decode_refused(std::string_view content);

}  // namespace kvmesh::wire
