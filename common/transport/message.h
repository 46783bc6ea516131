#pragma once

#include <cerrno>
#include <memory>
#include <string_view>

#include <zmq.h>

#include "common/transport/unsent_bytes.h"
#include "common/wire/buffer.h"

/// The few libzmq calls of the hot path, through its C interface: what would block is an answer
/// there, not an exception. Not thread-safe, as the sockets are not.
namespace kvmesh::transport {

/// Makes a libzmq call again as long as a signal interrupts it: libzmq looks at its mailbox first,
/// with a poll(), so nothing was done by then. Taken for "would block", an interrupted call would
/// be the end of half a message, or of a wake-up.
template <typename Call>
int uninterrupted(Call&& call) {
  for (;;) {
    const int result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// One received ZeroMQ frame. The bytes live until the next receive() or the end of the object:
/// libzmq shares its receive buffer between messages, so nothing may keep them.
class Message {
 public:
  Message() { zmq_msg_init(&message_); }
  ~Message() { zmq_msg_close(&message_); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  /// False when nothing is there (or the context ends).
  bool receive(void* socket) {
    return uninterrupted([&] { return zmq_msg_recv(&message_, socket, ZMQ_DONTWAIT); }) >= 0;
  }
  std::string_view bytes() {
    return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }
  /// What is known of the connection that it came over, by this name; empty: nothing. Of a message
  /// in two frames only the second one tells, in libzmq 4.3.4.
  std::string_view property(const char* name) {
    const char* value = zmq_msg_gets(&message_, name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
  }
  /// The host that it came from; empty where there is none (ipc).
  std::string_view peer_address() { return property("Peer-Address"); }
  /// The number of the descriptor that it came over, -1: none. Another socket may have it by now.
  int source_fd() { return zmq_msg_get(&message_, ZMQ_SRCFD); }
  bool more() { return zmq_msg_more(&message_) != 0; }

 private:
  zmq_msg_t message_{};
};

/// What became of a frame given to a socket.
enum class Sent {
  kTaken,       ///< the socket has it; the buffer is empty
  kWouldBlock,  ///< its queue is full; the buffer is unchanged
  kGone,        ///< there is no such connection (any more); the buffer is unchanged
};

/// Sends one frame. A small one is copied and the buffer keeps its memory; a large one (8 KiB or
/// more) hands its memory over and is counted in `unsent`, when there is one, until it is written.
Sent send_frame(void* socket, wire::Buffer& frame, int flags,
                const std::shared_ptr<UnsentBytes>& unsent = nullptr);

/// Sends `frame` to the ROUTER's connection `routing_id`.
Sent send_frame_to(void* router, std::string_view routing_id, wire::Buffer& frame,
                   const std::shared_ptr<UnsentBytes>& unsent = nullptr);

struct Ready {
  bool input = false;
  bool output = false;
};
/// What can be done without blocking. Makes libzmq look at its mailbox, which it must have done
/// since the socket's last use before a loop may sleep on the socket's descriptor.
Ready poll_socket(void* socket);

}  // namespace kvmesh::transport
