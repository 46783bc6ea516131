#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <kvmesh/status.h>
#include <zmq.hpp>

#include "client/bench/tls_session.h"
#include "client/client_keys.h"

namespace kvmesh::bench {

/// One connection from its first attempt until the other side has let it in, and no longer. One
/// thread.
class Handshake {
 public:
  Handshake() = default;
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  virtual ~Handshake() = default;

  /// Begins to connect, and has `epoll` watch it under `mark`, by edges.
  virtual Status begin(int epoll, std::uint64_t mark) = 0;
  /// Goes on as far as it can, after begin() and after each event. True: it is in.
  virtual Result<bool> go_on() = 0;
};

/// A port of the line protocol with TLS: in when it has answered a PING. `from` is the numeric IPv4
/// address to come from.
std::unique_ptr<Handshake> make_tls_handshake(const TlsContext& context, std::string address,
                                              std::uint32_t from);
/// The mesh port of a node with a key: in when the node has shown that it has let the key in. What
/// is given must outlive it.
std::unique_ptr<Handshake> make_mesh_handshake(zmq::context_t& context, std::string endpoint,
                                               const client::ClientKeys& keys);

}  // namespace kvmesh::bench
