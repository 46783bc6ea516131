#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/deadline.h"
#include "common/names.h"
#include "node/core/effects.h"

namespace kvmesh::core {

/// How long one source of work may go on in a pass of the reactor's loop; what is left waits for
/// the next. So the others have their turn, and a PONG leaves long before its peer gives this node
/// up: after a second, unless mesh.peer_timeout_ms says otherwise.
inline constexpr std::chrono::milliseconds kPassTimeMax{10};

/// A way into a node: takes requests from somewhere (a socket, the bodies of tasks) to its
/// reactor's core, and gets their replies. The reactor knows its adapters by this interface alone.
///
/// What the reactor calls, in each pass: receive(), flush(), is_ready(); and before it sleeps
/// news() and may_sleep(). All calls are on the reactor's thread.
class Adapter {
 public:
  Adapter() = default;
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;
  virtual ~Adapter() = default;

  /// The reply to a request whose origin has this adapter's number; exactly once for each. As of
  /// all of Effects: the views live until the call returns, and the core must not be called.
  virtual void reply(const Origin& origin, const ReplyView& reply) = 0;
  /// The requester, for the log: "127.0.0.1:53422", "a task".
  virtual std::string address_of(const Origin& origin) const = 0;

  /// Handles what has arrived, at most a pass's share of it. True when there is more.
  virtual bool receive(TimePoint now) {
    (void)now;
    return false;
  }
  /// Sends the replies of this pass. May submit further requests.
  virtual void flush() {}
  /// Asked after flush(); true: there is more to do, do not sleep.
  virtual bool is_ready() { return false; }

  /// What has happened on other threads since the last receive().
  enum class News {
    kNone,
    kGathering,  // something, and more is likely within microseconds
    kSome,
  };
  /// A snapshot; may be stale.
  virtual News news() const { return News::kNone; }
  /// Asked before the reactor sleeps. False when there is news; after true, the next news wakes
  /// the reactor.
  virtual bool may_sleep() { return true; }

  /// Called every 20 ms or so.
  virtual void tick(TimePoint now) { (void)now; }
  /// Called every second or so, for what tick() need not do as often.
  virtual void sweep(TimePoint now) { (void)now; }
  /// This process stalled for so long that its peers gave it up: what was sent to it before
  /// must not be executed.
  virtual void on_pause() {}
  /// Requests can go to the peer, or no longer. A peer that stays away is reported as down again
  /// and again.
  virtual void on_peer_up(PeerIndex peer) { (void)peer; }
  virtual void on_peer_down(PeerIndex peer, const std::string& why) {
    (void)peer;
    (void)why;
  }

  /// The peers, by PeerIndex, from now on; an empty name is a free place. Those that stay keep
  /// their place and state, others are down at first.
  virtual void on_peers(const std::vector<NodeName>& peers) { (void)peers; }

  /// The reactor begins to run.
  virtual void start(TimePoint now) { (void)now; }
  /// The node stops: takes no more requests.
  virtual void stop(TimePoint now) { (void)now; }
  /// After stop(): has nothing left to answer or to end. Requests in the core count for themselves.
  virtual bool is_idle() const { return true; }
};

}  // namespace kvmesh::core
