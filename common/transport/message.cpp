#include "common/transport/message.h"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace kvmesh::transport {
namespace {

// libzmq copies messages below 8 KiB into its own output buffer anyway; from there on it writes
// from our memory.
constexpr std::size_t kHandOverBytes = 8192;

// Where a frame that was handed over is counted.
struct Counted {
  std::shared_ptr<UnsentBytes> unsent;
  std::size_t bytes = 0;
};

// In an I/O thread, as a rule.
void free_frame(void* data, void* hint) {
  std::free(data);  // NOLINT: Buffer's memory is malloc's
  const std::unique_ptr<Counted> counted(static_cast<Counted*>(hint));
  if (counted) counted->unsent->subtract(counted->bytes);
}

std::unique_ptr<Counted> count(const std::shared_ptr<UnsentBytes>& unsent, std::size_t bytes) {
  if (!unsent) return nullptr;
  unsent->add(bytes);
  return std::make_unique<Counted>(Counted{unsent, bytes});
}

Sent outcome_of_failure() { return errno == EAGAIN ? Sent::kWouldBlock : Sent::kGone; }

int send_bytes(void* socket, std::string_view bytes, int flags) {
  return uninterrupted([&] { return zmq_send(socket, bytes.data(), bytes.size(), flags); });
}

}  // namespace

Sent send_frame(void* socket, wire::Buffer& frame, int flags,
                const std::shared_ptr<UnsentBytes>& unsent) {
  flags |= ZMQ_DONTWAIT;
  if (frame.size() < kHandOverBytes) {
    if (send_bytes(socket, frame.view(), flags) < 0) return outcome_of_failure();
    frame.clear();
    return Sent::kTaken;
  }
  zmq_msg_t message;
  if (zmq_msg_init_data(&message, frame.data(), frame.size(), free_frame,
                        count(unsent, frame.size()).release()) != 0) {
    std::abort();
  }
  if (uninterrupted([&] { return zmq_msg_send(&message, socket, flags); }) >= 0) {
    (void)frame.release();  // libzmq frees it when it is on the wire
    return Sent::kTaken;
  }
  // The message holds memory that is still ours: it must end without freeing it. Moving an empty
  // one over it would free, so the bytes are saved first; this happens only when a queue is full or
  // a peer has gone.
  const auto outcome = outcome_of_failure();
  wire::Buffer copy;
  copy.append(frame.view());
  (void)frame.release();
  zmq_msg_close(&message);
  frame = std::move(copy);
  return outcome;
}

Sent send_frame_to(void* router, std::string_view routing_id, wire::Buffer& frame,
                   const std::shared_ptr<UnsentBytes>& unsent) {
  if (send_bytes(router, routing_id, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) return outcome_of_failure();
  // The ROUTER chose the pipe with the identity frame, so the body cannot block; it is dropped if
  // the peer has gone.
  return send_frame(router, frame, 0, unsent);
}

Ready poll_socket(void* socket) {
  int events = 0;
  std::size_t size = sizeof events;
  const auto look = [&] { return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size); };
  if (uninterrupted(look) != 0) return {};
  return {(events & ZMQ_POLLIN) != 0, (events & ZMQ_POLLOUT) != 0};
}

}  // namespace kvmesh::transport
