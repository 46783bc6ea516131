#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/config/settings.h"
#include "common/names.h"
#include "common/security/principals.h"
#include "common/transport/link.h"
#include "node/core/core.h"
#include "node/mesh/watcher.h"

namespace kvmesh::mesh {

/// Hears which peers take requests, in receive() and tick(). A peer that stays away is told as down
/// again and again.
class PeerEvents {
 public:
  virtual void on_peer_up(PeerIndex peer) = 0;
  virtual void on_peer_down(PeerIndex peer, const std::string& why) = 0;

 protected:
  ~PeerEvents() = default;
};

/// Where a peer is; no name: a free place.
struct PeerAddress {
  NodeName name;
  std::string endpoint;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// One reactor's links, one to each peer: takes the core's requests out and the replies, and the
/// news of links coming and going, to the core. Owned by one reactor.
class PeerLinks {
 public:
  /// All references must outlive the object, but `settings`. No links before set_peers().
  PeerLinks(zmq::context_t& context, const Settings& settings, const std::string& software,
            std::uint64_t incarnation, const std::function<std::uint64_t()>& table_epoch,
            core::Core& core, Watcher& watcher, PeerEvents& events);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  /// This node's key and all others', from now on: links are encrypted, and end when their peer has
  /// another key; those whose peer keeps it are not touched. Before set_peers(), each time.
  void set_keys(const security::KeyPair& own,
                std::shared_ptr<const security::Principals> principals, TimePoint now);
  /// The peers, by PeerIndex, from now on. A link whose peer goes, or has another address now, is
  /// read a last time and ends, which the core and the events are told of; one that stays is not
  /// touched. New ones connect from the next tick() on. REQUIRES: the core's peers are still those
  /// of before, and follow before anything else is called.
  void set_peers(const std::vector<PeerAddress>& peers, TimePoint now);

  void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step);
  /// What that peer's link has not sent yet; see Link.
  transport::Link::Unsent unsent(PeerIndex peer) const;
  /// Handles what has arrived on the links that have something, `frames_max` frames of each, until
  /// it has taken core::kPassTimeMax; true when there may be more.
  bool receive(TimePoint now, int frames_max);
  void flush();
  /// Must be asked after flush() and before the loop sleeps; true: do not sleep.
  bool is_ready();
  void tick(TimePoint now);

  /// REQUIRES, as of all that take a PeerIndex: it is a peer's, not a free place.
  transport::Link::State state(PeerIndex peer) const;
  const std::string& endpoint(PeerIndex peer) const;

 private:
  class PeerLink;
  std::vector<security::PublicKey> keys_of(const NodeName& peer) const;
  void wake(PeerLink& link);
  void end(PeerIndex peer, const std::string& why, TimePoint now);

  zmq::context_t& context_;
  transport::Link::Options options_;  // of all links, but for endpoint and peer
  std::shared_ptr<const security::Principals> principals_;  // null: there are no keys
  core::Core& core_;
  Watcher& watcher_;
  PeerEvents& events_;
  TimePoint now_;                                 // of the pass, for what links tell
  std::vector<std::unique_ptr<PeerLink>> links_;  // by PeerIndex; null: a free place
  std::vector<PeerLink*> awake_;  // those that may have something to do in this pass
  std::size_t turn_ = 0;          // of these, whose turn it is to begin
};

}  // namespace kvmesh::mesh
