#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <kvmesh/status.h>
#include <zmq.hpp>

#include "common/security/current_principals.h"
#include "common/security/keys.h"
#include "node/core/audit.h"
#include "node/mesh/refusals.h"

namespace kvmesh::mesh {

/// Whom libzmq asks, for each connection to a socket with a key, whether to let it in (ZAP, RFC
/// 27): those whose key is a principal's. libzmq lets everybody in while nobody answers there, so
/// this is started before the mesh port is bound, and lives longer.
///
/// Each frame of a connection that was let in tells the principal's name (`User-Id`) and its key
/// (kKeyProperty); of a message in two frames, the second one. Both are as of the handshake: what a
/// reload has changed since, the receiver looks up.
///
/// It has a thread of its own, for a handshake waits for the answer. The thread also hears from the
/// mesh port of handshakes that failed before anybody was asked: without a key, or meant for the
/// key of another.
class ZapHandler {
 public:
  static constexpr const char* kDomain = "kvmesh";
  static constexpr const char* kKeyProperty = "Kvmesh-Key";  // a whole one: PublicKey::str()

  /// kUnavailable when another one answers in this context. `context` and `principals` must outlive
  /// it, and so must `audit`, which may be null.
  static Result<std::unique_ptr<ZapHandler>> start(zmq::context_t& context,
                                                   const security::CurrentPrincipals& principals,
                                                   core::Audit* audit);
  /// Its thread has ended then. No socket of the context may still listen with a key.
  ~ZapHandler();
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

  /// Makes `router` ask here: kInternal when this libzmq would let strangers in all the same.
  /// Before it is bound.
  static Status guard(zmq::socket_t& router, const security::SecretKey& key);
  /// Makes it tell of what fails before. One handler must hear of one socket, as long as that
  /// lives: libzmq waits until it is told.
  static Status watch(zmq::socket_t& router);

  std::uint64_t refused() const { return refusals_.count(); }

 private:
  using Frames = std::vector<std::string>;

  ZapHandler(zmq::context_t& context, const security::CurrentPrincipals& principals,
             core::Audit* audit);
  void run();
  void answer(zmq::socket_t& socket, const Frames& request);
  const security::Principal* judge(const Frames& request, const security::Principals& principals,
                                   security::PublicKey& key);
  void take_event(const Frames& event);

  const security::CurrentPrincipals& principals_;
  Refusals refusals_;
  zmq::socket_t socket_;
  zmq::socket_t monitor_;
  int stop_;  // an eventfd
  std::thread thread_;
};

}  // namespace kvmesh::mesh
