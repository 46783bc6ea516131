#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/frame_age.h"
#include "common/wire/buffer.h"
#include "node/sim/event_queue.h"
#include "node/sim/plan.h"
#include "node/sim/random.h"

namespace kvmesh::sim {

using ConnectionId = std::uint32_t;
using FrameId = std::uint32_t;

/// What a connection carries; the two runs of records as real bytes of the wire format, the others
/// as bare signs.
enum class FrameSort : std::uint8_t {
  kRequests,
  kReplies,
  kHello,
  kWelcome,
  kGoodbye,
  kRefused,
  kPing,
  kPong
};

struct Frame {
  FrameSort sort = FrameSort::kHello;
  ConnectionId connection = 0;
  bool to_server = true;
  std::uint64_t place = 0;  // among all that was sent this way
  Micros left{};            // its sender, at that time
  bool is_held = false;     // it takes room of the connection
  wire::Buffer bytes;
  std::vector<std::uint64_t>
      records;  // serial numbers of its records, when the run is written down
};

/// How long frames of one connection were under way, in truth. From it follows how much too young a
/// receiver may take the next one that knows none but the senders' stamps: by what the quickest was
/// under way, and by what two clocks may have drifted apart since, and their distance's bound
/// risen.
class KnownWay {
 public:
  /// A frame that left at `left` is read. How much older it may be than its receiver knows.
  Micros observe(Micros left, Micros now) {
    const auto took = now - left;
    if (!is_known_ || took <= unknown(now)) {
      is_known_ = true;
      quickest_ = took;
      seen_ = now;
    }
    return std::min(took, unknown(now));
  }

 private:
  static constexpr std::int64_t kDriftPpm = 2000;
  static constexpr Micros kGranularity{4};  // of stamps, and of the bound's rise
  Micros unknown(Micros now) const {
    return quickest_ + Micros{(now - seen_).count() * kDriftPpm / 1000000} + kGranularity;
  }

  bool is_known_ = false;
  Micros quickest_{};
  Micros seen_{};
};

/// One connection: an epoch of the link from `dialer` to its peer `server`.
struct Connection {
  struct Way {
    Micros last_arrival{};        // frames do not overtake each other
    std::deque<FrameId> stalled;  // lost on the way; sent again when it is open
    std::deque<FrameId> early;    // came before one that is sent again
    std::uint64_t sent = 0;       // frames, ever
    std::uint64_t arrived = 0;
    std::deque<FrameId> waiting;  // for a slow wire; the first is on it
    std::uint32_t frames = 0;     // that the other side has not handled
    std::uint64_t bytes = 0;      // of these
    std::uint64_t waiting_bytes = 0;
    bool wants_room = false;  // its sender waits for some
    bool ended = false;       // nothing more arrives
  };
  NodeIndex dialer = 0;
  NodeIndex server = 0;
  std::uint16_t peer = 0;         // the server's place among the dialer's peers
  std::uint64_t dialer_life = 0;  // the incarnations that made it
  std::uint64_t server_life = 0;
  bool open = true;       // the dialer believes in it
  bool accepted = false;  // the server knows it: it read its HELLO
  bool lives = true;      // replies can still reach the dialer
  Way out;
  Way back;
  std::uint64_t silence = 0;  // stamp of the wait for a sign of life; 0: signs come through
  FrameAge age;               // the server's idea of how old frames are
  KnownWay known;             // how wrong that may be
  Micros last_heard{};        // by the dialer
  bool is_watched = false;    // it is slow: the dialer sends PINGs
};

/// The connections between nodes and what is under way on them: delays, order, loss and partitions.
/// As TCP: a connection delivers in order or ends; what is lost on the way is sent again; what the
/// receiver does not handle, or a slow wire does not carry, fills the buffers on the way, and then
/// frames wait at the sender.
/// Deterministic: each link draws its own random numbers, so that what one does leaves the others
/// as they were.
class Network {
 public:
  Network(const Plan& plan, EventQueue& events);

  Connection& at(ConnectionId id) { return connections_[id]; }
  Frame& frame(FrameId id) { return frames_[id]; }

  /// A new connection; nothing is on it yet.
  ConnectionId dial(NodeIndex dialer, std::uint64_t dialer_life, std::uint16_t peer,
                    NodeIndex server, std::uint64_t server_life);
  /// A frame to fill and send.
  FrameId make_frame(ConnectionId connection, bool to_server, FrameSort sort);
  void send(FrameId id, Micros at);
  /// A frame reaches the other end: true when it is to be handled there, and then the receiver
  /// frees it. Otherwise it was lost, or waits until the way is open.
  bool arrive(FrameId id);
  void free_frame(FrameId id);
  /// Whether the way to the server takes another frame of requests. If not, its dialer is woken
  /// when it does (kRoom).
  bool takes_requests(ConnectionId id);
  /// Bytes of frames to the server that the wire has not taken yet.
  std::uint64_t unsent_bytes(ConnectionId id) const { return connections_[id].out.waiting_bytes; }
  /// A slow wire is through with a frame (kWire).
  void wire_over(std::uint64_t detail);
  /// The dialer of a slow connection looks whether it heard anything (kWatch): true when it was
  /// silent for too long.
  bool watch(ConnectionId id, bool dialer_is_paused);
  void throttle(const std::vector<NodeIndex>& first, const std::vector<NodeIndex>& second,
                std::uint64_t rate);

  bool is_blocked(NodeIndex a, NodeIndex b) const;
  void part(const std::vector<NodeIndex>& first, const std::vector<NodeIndex>& second);
  void heal();
  /// The connections between two sets of nodes are lost; both ends notice at once or soon.
  void cut(const std::vector<NodeIndex>& first, const std::vector<NodeIndex>& second);
  /// The process of a node has ended: so have its connections.
  void killed(NodeIndex node);
  std::vector<ConnectionId> accepted_by(NodeIndex node) const;
  void paused(NodeIndex node);
  void resumed(NodeIndex node);
  /// The dialer gives the connection up. What it had sent may still arrive, as its kernel has it.
  void close(ConnectionId id);
  /// For the wait after silence: has nothing come, and will nothing come, on this connection?
  bool is_silent(ConnectionId id, std::uint64_t stamp) const;
  /// Waits for another turn, as the dialer could not look.
  void wait_on(ConnectionId id);

  Micros round_trip() const { return 2 * (plan_.network.delay + plan_.network.jitter); }
  Micros some_time(ConnectionId id, Micros low, Micros high);

 private:
  struct Parting {
    std::vector<std::uint8_t> side;  // of each node: 0 none, 1, 2
    bool parts(NodeIndex a, NodeIndex b) const {
      return side[a] != 0 && side[b] != 0 && side[a] != side[b];
    }
  };

  struct Throttle {
    Parting between;
    std::uint64_t rate = 0;
  };

  Random& chance(const Connection& connection);
  std::uint64_t rate_of(const Connection& connection) const;
  bool has_room(const Connection::Way& way) const;
  void start_wire(ConnectionId id, bool to_server, Micros at);
  void begin_watch(ConnectionId id);
  void end(ConnectionId id);
  void schedule(FrameId id, Micros at);
  void await_silence(ConnectionId id);
  void release_stalled(ConnectionId id, Connection::Way& way);
  static bool between(const Connection& connection, const Parting& sets) {
    return sets.parts(connection.dialer, connection.server);
  }
  Parting parting_of(const std::vector<NodeIndex>& first,
                     const std::vector<NodeIndex>& second) const;

  const Plan& plan_;
  EventQueue& events_;
  std::deque<Connection> connections_;
  std::deque<Frame> frames_;
  std::vector<FrameId> free_frames_;
  std::vector<std::vector<Random>> chances_;  // by dialer and peer
  std::vector<Parting> partings_;
  std::vector<Throttle> throttles_;  // of two for the same connection the later one counts
  std::vector<bool> paused_;
  std::uint64_t stamps_ = 0;
};

}  // namespace kvmesh::sim
