#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/config/settings.h"
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

/// One reactor's links, one to each peer: takes the core's requests out and the replies, and the
/// news of links coming and going, to the core. Owned by one reactor.
class PeerLinks {
 public:
  /// All references must outlive the object. `core`'s peers are those of `settings`, in the same
  /// order.
  PeerLinks(zmq::context_t& context, const Settings& settings, const std::string& software,
            const std::function<std::uint64_t()>& table_epoch, core::Core& core, Watcher& watcher,
            PeerEvents& events);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

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

  transport::Link::State state(PeerIndex peer) const;

 private:
  class PeerLink;
  void wake(PeerLink& link);

  core::Core& core_;
  Watcher& watcher_;
  PeerEvents& events_;
  TimePoint now_;  // of the pass, for what links tell
  std::vector<std::unique_ptr<PeerLink>> links_;
  std::vector<PeerLink*> awake_;  // those that may have something to do in this pass
  std::size_t turn_ = 0;          // of these, whose turn it is to begin
};

}  // namespace kvmesh::mesh
