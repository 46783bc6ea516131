#pragma once

#include <zmq.hpp>

namespace kvmesh::transport {

/// Ends connections whose far host is gone without a word (its power, a cable, a firewall that
/// forgot), so that their descriptors come back: within a minute. REQUIRES: RCVHWM 0, for with a
/// bound a heartbeat can abort the process.
inline void find_vanished_hosts(zmq::socket_t& socket) {
  // The kernel asks a silent connection.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 15);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 4);
  // libzmq asks, too: one who stopped reading ZMTP, or a proxy that keeps the connection. The time
  // is for a large frame on a slow line, during which no answer can come.
  socket.set(zmq::sockopt::heartbeat_ivl, 15000);
  socket.set(zmq::sockopt::heartbeat_timeout, 45000);
}

}  // namespace kvmesh::transport
