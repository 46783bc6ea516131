#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/deadline.h"
#include "node/mesh/kernel_socket.h"

namespace kvmesh::mesh {

/// Watches the connections of the mesh port from outside libzmq, which has no call that lists or
/// ends them, and ends those that take without giving: no HELLO, a message without an end, more
/// unread frames than a window holds. The kernel knows what each socket took in, and the inbox what
/// came out of libzmq as frames; the difference is what libzmq keeps.
///
/// A frame tells the number of the descriptor that it came over, which may be another's when it is
/// read late. So frames are credited by number, and only the kernel's figures speak against a
/// connection: an error makes one look better than it is, never worse.
/// Owned by one reactor. Does nothing for other transports than TCP.
class Doorkeeper {
 public:
  /// A connection must have said HELLO by then.
  static constexpr std::chrono::seconds kHelloTimeMax{3};
  /// What a connection may have in libzmq before its HELLO.
  static constexpr std::size_t kStrangerBytesMax = 64 * 1024;

  enum class Why : std::uint8_t { kNoHello, kUnfinished, kUnread, kSilent };

  /// From now on it watches what connects to `endpoint`, as libzmq says it.
  void open(const std::string& endpoint);
  /// Lets nobody in from now on, or everybody again; those that are connected notice nothing. False
  /// when that is not possible, as for other transports.
  bool set_closed(bool closed) { return mesh::set_closed(listener_, closed); }

  /// A message part of so many bytes came over the connection with this number; -1: over none.
  void delivered(int fd, std::size_t bytes) {
    if (fd < 0 || fd >= kNumbersMax) return;
    const auto number = static_cast<std::size_t>(fd);
    if (number >= doors_.size()) doors_.resize(number + 64);
    const auto sealed = bytes + seal_bytes_;
    doors_[number].delivered += sealed + (sealed < 256 ? 2 : 9);  // ZMTP's heads
  }
  /// Connections are encrypted: each message part is larger on its way than it comes out.
  void expect_keys() { seal_bytes_ = kSealBytes; }
  /// The socket that listens; its cookie is 0: none, or none of TCP.
  const KernelSocket& listener() const { return listener_; }
  /// That one has another number now.
  void listens_at(int fd) {
    if (listener_.cookie != 0) listener_.fd = fd;
  }
  /// A HELLO came over it. Which socket has the number now: the right one if the connection lives.
  KernelSocket greeted(int fd, TimePoint now);

  /// Ends the connection of this very socket, which no mistake can make another's; false when it
  /// has gone.
  bool end(const KernelSocket& socket) { return spares_.shut_down(socket); }

  struct Situation {
    bool all_delivered = false;  // the inbox has no whole message that is unread
    bool scarce = false;         // descriptors are
  };
  struct Ended {
    Why why;
    KernelSocket socket;
  };
  /// Looks at some connections, for half a millisecond at most, and ends those that must go. Call
  /// it every 20 ms or so; lives until the next call.
  const std::vector<Ended>& look(TimePoint now, Situation situation);

  const SpareDescriptors& spares() const { return spares_; }

 private:
  // What is known of a number, and of the socket that has it.
  struct Door {
    std::uint64_t delivered = 0;  // as frames, by the number; grows for ever
    std::uint64_t cookie = 0;     // 0: not looked at, or no socket
    bool ours = false;            // accepted at the mesh port
    bool greeted = false;
    bool sampled = false;
    std::uint64_t base = 0;       // of delivered, when this socket was met
    std::uint64_t taken = 0;      // by libzmq, at the last look
    std::uint64_t uncounted = 0;  // of taken: ZMTP's greeting and commands, which are no frames
    std::uint64_t seen_delivered = 0;
    TimePoint met;
    TimePoint looked;
    TimePoint heard;       // when delivered last was seen to grow
    TimePoint owes_since;  // has had much unfinished and finished nothing since
  };

  static constexpr int kNumbersMax = 1 << 20;
  static constexpr std::size_t kSealBytes = 33;  // of CURVE: its command, a nonce, flags and a tag

  Door& door(int fd);
  bool meet(Door& door, const KernelSocket& socket, TimePoint now);
  void examine(int fd, TimePoint now, Situation situation);
  std::uint64_t keeps(Door& door, std::uint64_t taken, TimePoint now);
  std::optional<Why> judge(Door& door, std::uint64_t kept, TimePoint now, Situation situation);
  std::chrono::milliseconds patience() const;
  void find_top();

  std::size_t seal_bytes_ = 0;
  std::optional<ListeningAddress> address_;
  KernelSocket listener_;
  SpareDescriptors spares_;
  std::vector<Door> doors_;    // by number
  std::vector<int> suspects_;  // keep much; looked at every time
  std::vector<Ended> ended_;
  int top_ = 0;                    // numbers below it are looked at
  int cursor_ = 0;                 // where the next look goes on
  int highest_ = 0;                // open number of this round
  std::uint64_t kept_by_all_ = 0;  // in the last round
  std::uint64_t kept_this_round_ = 0;
};

/// For the log.
const char* to_string(Doorkeeper::Why why);

}  // namespace kvmesh::mesh
