#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/deadline.h"
#include "common/in_flight.h"
#include "common/names.h"
#include "common/request.h"
#include "common/routing_table.h"
#include "common/wire/buffer.h"
#include "node/core/counters.h"
#include "node/core/effects.h"
#include "node/core/function_registry.h"
#include "node/core/routes.h"
#include "node/core/slow_requests.h"
#include "node/core/topology.h"

namespace kvmesh::core {

/// The node's decisions: what becomes of each request, reply, link event and passing of time.
/// Deterministic and free of I/O: the same state and inputs give the same calls to Effects. Inputs
/// carry the time, which never goes backwards. Invariant: every request is answered exactly once:
/// at once, by its handler, by the peer's reply, at the end of the link that it went over, or at
/// its deadline, whichever comes first. Owned by one reactor; no locks. Only counters() may be read
/// from other threads.
class Core {
 public:
  /// `peers` says what a PeerIndex means, until set_topology(); `self` is not one of them, and
  /// `vias` are others. All are down at first, and the table is empty. `modules` and `effects` must
  /// outlive the core.
  Core(NodeName self, std::vector<NodeName> peers, const FunctionRegistry& modules,
       Effects& effects, TimePoint start, std::vector<Via> vias = {});

  /// Swaps the table whole; requests under way stay on their way. kInvalidArgument: an entry names
  /// neither this node nor a peer or one behind a via, and the old table stays.
  Status set_table(RoutingTable table);
  /// Swaps peers, vias and table as one. Peers that stay keep their place and all that is in flight
  /// over it. A link to one that goes should have ended, by on_unsent() and on_peer_down(); what is
  /// in flight over it still is answered as by on_peer_down(). One that comes is down at first.
  /// kInvalidArgument as of set_table(), and nothing has changed. REQUIRES: the places are by
  /// placed() from those of now, and no name is `self`.
  Status set_topology(Topology next);

  /// Requests that enter the mesh here and take so long are told to Effects::slow_request(). To
  /// know where their time went, all that enter are traced from then on. Zero: off.
  void watch_slow_requests(std::chrono::milliseconds threshold) { slow_.set_threshold(threshold); }

  /// A request from an adapter. A forwarded one has a millisecond less when it leaves.
  void on_request(const Origin& origin, const RequestView& request, TimePoint now);
  /// Requests that arrived together, in their order: each as by on_request(). Calls of one runner's
  /// functions are run together.
  struct Incoming {
    Origin origin;
    RequestView request;
    TimePoint arrived{};  // where the shell knows it better than by `now`
  };
  static constexpr std::size_t kRunMax = 16;
  /// REQUIRES: run.size() <= kRunMax.
  void on_requests(std::span<const Incoming> run, TimePoint now);
  struct Progress {
    std::size_t handled = 0;  // of the run, from its beginning; not 0 unless the run is empty
    bool costly = false;      // the last one was a costly function, or many bytes were copied
  };
  /// The same for a shell that shares its time out: it stops after a costly request, so that the
  /// shell can look at its clock before it gives the others.
  Progress on_some_requests(std::span<const Incoming> run, TimePoint now);
  /// A reply that came over a link. One that nobody waits for is counted and dropped.
  void on_reply(PeerIndex peer, const ReplyView& reply);
  /// A traced request that was forwarded has left, at that time: until then it waited here. Not
  /// needed for others.
  void on_sent(RequestId id, TimePoint when) { leave_queue(id, when); }
  /// The work of a call that defer_queued() deferred has begun: now, or at that time. Not needed
  /// for calls that are not traced.
  void on_begun(Call::Ticket ticket) { leave_queue(ticket, std::nullopt); }
  void on_begun(Call::Ticket ticket, TimePoint when) { leave_queue(ticket, when); }
  /// The answer to a deferred call; dropped when it comes too late. `result` is one msgpack value,
  /// or empty for nil; one that fits no record is answered as kTooLarge.
  void complete(Call::Ticket ticket, const Status& outcome, std::string_view result);

  /// How much a link may have in flight, as the peer said in its WELCOME; limits.h bounds it as
  /// well.
  struct Window {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
  };
  /// A new connection; what is still in flight over an older one is answered as by on_peer_down().
  void on_peer_up(PeerIndex peer, Window window);
  /// No new requests for this peer, but replies still come.
  void on_peer_draining(PeerIndex peer, std::string why);
  /// The link is gone: everything in flight over it is answered as kOutcomeUnknown.
  void on_peer_down(PeerIndex peer, std::string why);
  /// The link never sent this request: it is answered as kUnavailable. Call it before
  /// on_peer_down(), which answers all that is left.
  void on_unsent(RequestId id);

  /// The link had not sent this request when its time was over, and never will: it is answered as
  /// kDeadlineExceeded. Before on_tick() of the same moment, which takes what is left for sent.
  void on_expired(RequestId id, TimePoint now);

  /// Fails what is past its deadline. Call every few milliseconds.
  void on_tick(TimePoint now);
  /// Fails all that is in flight, for a node that stops.
  void fail_all();

  const NodeName& name() const { return self_; }
  /// Why a peer takes no requests; empty when it does. REQUIRES: there is such a place.
  const std::string& why_down(PeerIndex peer) const { return peers_[peer.value].why_down; }
  const Routes& routes() const { return routes_; }
  /// By PeerIndex; an empty name is a free place.
  const std::vector<NodeName>& peer_names() const { return peer_names_; }
  const std::vector<Via>& vias() const { return vias_; }
  const Counters& counters() const { return counters_; }
  std::size_t in_flight() const { return in_flight_.size(); }
  std::size_t in_flight_over(PeerIndex peer) const { return in_flight_.link_size(link_of(peer)); }

 private:
  // Deferred calls stand on a link of their own, before the peers'.
  static constexpr std::size_t kLocalLink = 0;
  static std::size_t link_of(PeerIndex peer) { return std::size_t{1} + peer.value; }

  class LocalCall;
  class Batch;

  // What must be known of a request to answer it.
  struct Asker {
    Origin origin;
    TimePoint arrived;
    TimePoint left_queue{};  // of a traced one: when its execution began, or it was sent on
    std::optional<RouteMatch> entry;
    bool traced = false;
    bool trace_unwanted = false;  // traced on our own account only
    SlowRequests::Note note = SlowRequests::kNone;
  };
  // Where a request went from here.
  struct Way {
    std::string_view next;   // empty: it got no further
    std::uint64_t link = 0;  // as in TraceHop
  };
  struct Peer {
    NodeName name;  // empty: a free place
    bool up = false;
    std::string why_down = "not connected yet";
    std::uint64_t connections = 0;  // that were up since the start, the present one included
    Window window;
  };

  Cost handle(const Incoming& incoming, Batch& batch, TimePoint now);
  Cost handle(Asker& asker, const RequestView& request, Batch& batch, TimePoint now);
  void execute(const Asker& asker, const RequestView& request, const Function& function,
               CallTime time, Batch& batch);
  void forward(const Asker& asker, const RequestView& request, std::size_t bytes, PeerIndex to,
               TimePoint deadline);
  void leave_queue(RequestId id, std::optional<TimePoint> when);
  void end_link(PeerIndex peer, std::string why);
  Status can_forward(const RequestView& request, std::size_t bytes, PeerIndex to,
                     std::string_view entry) const;
  Status check_window(std::size_t more, PeerIndex to) const;
  void answer(const Asker& asker, ReplyView reply, const Way& way);
  void fail(const Asker& asker, const Status& status, const Way& way);
  void fail(const Asker& asker, const Status& status) { fail(asker, status, Way{}); }
  void end_note(const Asker& asker, ReplyView& reply, TimePoint now);
  void add_hop(const Asker& asker, ReplyView& reply, const Way& way, TimePoint now);
  Status table_full() const;
  Way way_over(std::size_t link) const;

  NodeName self_;
  std::vector<Peer> peers_;
  std::vector<NodeName> peer_names_;
  std::vector<Via> vias_;
  const FunctionRegistry& modules_;
  Effects& effects_;
  Routes routes_;
  InFlight<Asker> in_flight_;
  Counters counters_;
  SlowRequests slow_;
  std::size_t run_bytes_ = 0;           // of requests and results, since on_some_requests() began
  std::size_t together_max_ = kRunMax;  // so many calls of a runner are run together
  wire::Buffer result_;                 // scratch; empty but while a call is answered
  wire::Buffer packed_;                 // scratch: a request for a handler
  wire::Buffer trace_;                  // scratch, kept for its memory
};

}  // namespace kvmesh::core
