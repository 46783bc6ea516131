#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "common/deadline.h"
#include "common/names.h"
#include "common/request.h"
#include "common/security/keys.h"
#include "common/transport/addresses.h"
#include "common/transport/dealer.h"
#include "common/wire/frame.h"
#include "common/wire/record.h"
#include "common/wire/request_batch.h"

namespace kvmesh::transport {

class Link;

/// What a link tells its owner. Called from inside Link's methods, on the same thread; views live
/// until the call returns, and the callee may add requests but not destroy the link.
class LinkEvents {
 public:
  LinkEvents() = default;
  LinkEvents(const LinkEvents&) = delete;
  LinkEvents& operator=(const LinkEvents&) = delete;
  virtual ~LinkEvents() = default;

  /// New descriptors to watch (Link::fd(), monitor_fd()), and before they are closed.
  virtual void on_open(Link& link) { (void)link; }
  virtual void on_close(Link& link) { (void)link; }

  /// Requests may be sent from now on.
  virtual void on_up(Link& link, const wire::Welcome& welcome) = 0;
  virtual void on_reply(Link& link, const ReplyView& reply) = 0;
  /// The peer asked for no more requests on this connection.
  virtual void on_draining(Link& link, const std::string& why) = 0;
  /// A traced request was given to the socket, at that time. The callee must not add requests.
  virtual void on_sent(Link& link, RequestId id, TimePoint when) {
    (void)link;
    (void)id;
    (void)when;
  }
  /// This request's time was over before it could leave; it never will. Comes in flush() and
  /// tick().
  virtual void on_expired(Link& link, RequestId id) = 0;
  /// This request never left; comes after on_draining() or before on_down(). Link::state() is not
  /// kUp any more.
  virtual void on_unsent(Link& link, RequestId id) = 0;
  /// The connection has ended or could not be made; no reply to an earlier request will come.
  virtual void on_down(Link& link, const std::string& why) = 0;
};

/// The way to one node: connects, greets, sends requests in batches, hands replies over, notices
/// when the other side is gone or hangs, and tries again by itself. Between nodes, and from a
/// client to its node. Each connection is an epoch: nothing sent in one is seen by a later one.
/// Owned by one thread, which calls receive(), flush() and tick() from its loop.
class Link {
 public:
  struct Options {
    std::string endpoint;  // a host name in it is looked up for each connection
    Resolver* resolver = &Resolver::of_the_system();  // must outlive the link
    NodeName self;                                    // empty for a plain client
    NodeName peer;                                    // who must answer there; empty: anybody
    // The own key; with one only who has one of `peer_keys` may answer: two while a node's key is
    // being changed.
    std::optional<security::KeyPair> key{};
    std::vector<security::PublicKey> peer_keys{};
    std::string software;
    std::uint64_t incarnation = 0;                 // of this start of the node; for HELLO
    std::function<std::uint64_t()> table_epoch;    // for HELLO; none: 0
    std::chrono::milliseconds ping_interval{250};  // of silence, then a PING
    std::chrono::milliseconds peer_timeout{1000};  // of silence, then the link is down
    std::chrono::milliseconds attempt_max{1500};   // from connect to WELCOME, or it has failed
    std::chrono::milliseconds reconnect_min{50};
    std::chrono::milliseconds reconnect_max{1000};
    TimePoint (*clock)() = [] { return std::chrono::steady_clock::now(); };
  };
  enum class State { kWaiting, kConnecting, kGreeting, kUp, kDraining };

  /// `context` and `events` must outlive the link. Nothing happens before the first tick().
  Link(zmq::context_t& context, Options options, LinkEvents& events);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Adds a request to the batch that the next flush() sends. It leaves with what is left until
  /// `deadline` by then, or not at all. REQUIRES: state() == kUp.
  void add_request(const RequestView& request, RequestId id, TimePoint deadline,
                   const wire::PathStep* step);
  /// Sends what was added since; what the socket does not take now waits here for the next flush.
  void flush();
  /// What of all requests is not written to the connection yet, expired ones included; frames of a
  /// few kilobytes in the socket's queue are not counted.
  struct Unsent {
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };
  Unsent unsent() const {
    return {batch_.requests() + sealed_requests_,
            batch_.bytes() + sealed_bytes_ + (dealer_ ? dealer_->unsent_bytes() : 0)};
  }
  /// A descriptor is readable. The next receive() looks only where something was noticed, for each
  /// look into a ZeroMQ socket costs a system call.
  void notice_frames() { look_for_frames_ = true; }
  void notice_events() { look_for_events_ = true; }
  /// Handles what was noticed: at most `frames_max` frames or a mebibyte, and until `until`, but
  /// one frame at least. True when there may be more.
  bool receive(TimePoint now, int frames_max, TimePoint until = TimePoint::max());
  /// Connects, pings and times out. Call every few ten milliseconds. The receive() after it looks
  /// everywhere, for a descriptor that could not be watched.
  void tick(TimePoint now);
  /// Ends the connection, if there is one, as when it is lost: on_unsent() for what has not left,
  /// then on_down(). For an owner that destroys the link next.
  void end(const std::string& why);
  /// From the next connection on it has other keys. Ends the one of now if the peer's key in it is
  /// none of `peer_keys`. REQUIRES: it has some already.
  void set_keys(const security::KeyPair& key, std::vector<security::PublicKey> peer_keys);
  /// Must be asked after flush() and before sleeping on the descriptors; true: there is more to do,
  /// do not sleep.
  bool is_ready();

  State state() const { return state_; }
  /// Whether there is no connection, and the pause since the last one or attempt is over.
  bool may_try(TimePoint now) const { return state_ == State::kWaiting && now >= retry_at_; }
  /// What the attempt to connect waits for, as a reason why there is no connection yet.
  std::string why_not_yet() const;
  /// Whether the last connection came to nothing because only one side has a key, or because the
  /// other one does not let this one's in: it will be so until somebody changes it.
  bool keys_disagree() const { return keys_disagree_; }
  const Options& options() const { return options_; }
  /// REQUIRES: between on_open() and on_close().
  int fd() { return dealer_->fd(); }
  int monitor_fd() { return dealer_->monitor_fd(); }
  std::uint64_t refused_frames() const { return refused_frames_; }

 private:
  struct Sealed {
    explicit Sealed(wire::RequestBatch full)
        : batch(std::move(full)), requests(batch.requests()), bytes(batch.bytes()) {}
    wire::RequestBatch batch;
    std::size_t requests;  // as it was sealed
    std::size_t bytes;
  };

  std::uint64_t version_max() const {
    return options_.key ? wire::kProtocolVersionWho : std::uint64_t{wire::kProtocolVersion};
  }
  void open(TimePoint now);
  Status secure();
  std::string why_lost(const Dealer::Happening& happening);
  std::string why_only_one() const;
  std::string why_other_key();
  void dial(TimePoint now);
  void attempt(TimePoint now);
  void close(TimePoint now, const std::string& why);
  void hang_up();
  void drop_unsent();
  void stop_sending(const std::string& why);
  void note_pause(TimePoint now);
  void greet();
  void take_events(TimePoint now);
  void receive_frames(TimePoint now, int frames_max, TimePoint until);
  bool handle_frame(std::string_view bytes);
  bool handle_welcome(std::string_view content);
  void handle_pong(std::string_view content);
  bool handle_replies(std::string_view run);
  bool send(wire::Buffer& frame);
  bool send(wire::RequestBatch& batch);
  bool has_room() const;
  void send_batches();
  void seal();
  void pop_sealed();
  void expire(wire::RequestBatch& batch, TimePoint now);
  void expire_all(TimePoint now);
  void tell_expired();
  void send_ping(TimePoint now);
  void tell_read();

  zmq::context_t& context_;
  Options options_;
  LinkEvents& events_;
  State state_ = State::kWaiting;
  Addresses addresses_;
  bool dialled_ = false;  // while connecting: the address is known, and the attempt began with it
  std::unique_ptr<Dealer> dealer_;
  std::size_t key_turn_ = 0;   // which of the peer's keys is tried
  security::PublicKey tried_;  // that key
  bool keys_disagree_ = false;
  bool timed_ = false;         // the peer takes TIMED_REQUESTS and READ
  wire::RequestBatch batch_;   // being filled
  std::deque<Sealed> sealed_;  // waiting for the socket, oldest first
  std::size_t sealed_requests_ = 0;
  std::size_t sealed_bytes_ = 0;
  std::vector<RequestId> expired_;   // not told yet
  std::size_t read_bytes_ = 0;       // of replies, not told yet
  int greetings_ = 0;                // HELLOs after the first that are not answered yet
  std::optional<std::string> lost_;  // why the connection has ended, while its rest is read
  bool look_for_frames_ = false;
  bool look_for_events_ = false;
  std::string broken_;  // why the connection must be given up; empty: it need not
  std::chrono::milliseconds backoff_;
  TimePoint retry_at_{};
  TimePoint attempt_began_{};
  TimePoint last_heard_{};
  TimePoint last_ping_{};
  TimePoint last_tick_{};
  std::uint64_t refused_frames_ = 0;
  std::minstd_rand random_;
};

}  // namespace kvmesh::transport
