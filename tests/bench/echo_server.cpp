#include <string>

#include <zmq.hpp>

#include "tests/bench/servers.h"

namespace kvmesh::bench {

Status serve_echo(const std::string& endpoint) {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::sndhwm, 0);
  try {
    socket.bind(endpoint);
    zmq_msg_t identity;
    zmq_msg_t body;
    zmq_msg_init(&identity);
    zmq_msg_init(&body);
    // Both messages move from the socket back into it, without a copy.
    while (true) {
      if (zmq_msg_recv(&identity, socket.handle(), 0) < 0 ||
          zmq_msg_recv(&body, socket.handle(), 0) < 0) {
        continue;
      }
      zmq_msg_send(&identity, socket.handle(), ZMQ_SNDMORE);
      zmq_msg_send(&body, socket.handle(), 0);
    }
  } catch (const zmq::error_t& error) {
    return {StatusCode::kUnavailable, endpoint + ": " + error.what()};
  }
}

}  // namespace kvmesh::bench
