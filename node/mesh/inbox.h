#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <kvmesh/status.h>
#include <zmq.hpp>

#include "common/deadline.h"
#include "common/frame_age.h"
#include "common/meter.h"
#include "common/names.h"
#include "common/security/current_principals.h"
#include "common/security/keys.h"
#include "common/transport/message.h"
#include "common/transport/unsent_bytes.h"
#include "common/wire/frame.h"
#include "node/core/adapter.h"
#include "node/core/audit.h"
#include "node/core/core.h"
#include "node/mesh/doorkeeper.h"
#include "node/mesh/forgotten.h"
#include "node/mesh/held_requests.h"
#include "node/mesh/kernel_socket.h"
#include "node/mesh/listening.h"
#include "node/mesh/refusals.h"
#include "node/mesh/request_permits.h"
#include "node/mesh/turn_clock.h"
#include "node/mesh/twins.h"
#include "node/mesh/waiting_replies.h"

namespace kvmesh::mesh {

/// The ROUTER socket to which peers and clients connect: takes their requests to the core and the
/// replies back. A connection exists for it from its HELLO on. The socket is always read, for
/// libzmq may abort the process when its queue fills: requests of a connection that leaves much
/// unread are held here until it has read, and `overloaded` beyond its window. While more comes
/// than can be executed, requests of all are held, and a connection that sends beyond its window is
/// ended. No pass takes longer than a few milliseconds of its own work: what is left waits, and
/// connections take turns. Owned by one reactor. Only counters may be read from other threads.
class Inbox final : public core::Adapter {
 public:
  struct Options {
    std::string listen;
    NodeName self;
    std::string software;
    std::uint32_t adapter = 0;                   // Origin::adapter of what comes from here
    std::function<std::uint64_t()> table_epoch;  // for WELCOME
    // With a key: those may connect who are there, and say who they are. A ZapHandler of the same
    // principals must answer in this context, and all must outlive the inbox.
    std::optional<security::SecretKey> key{};
    const security::CurrentPrincipals* principals = nullptr;
    core::Audit* audit = nullptr;  // null: nobody wants to know
  };
  struct Counters {
    std::array<core::Counter, wire::kRefusalCount> refused;
    core::Counter dropped_replies;  // their connection was gone, or read too slowly
    // Connections that said HELLO and were heard of in the last 30 s, those that have left since
    // too: without a monitor nobody tells that one has, and a dialler need not say so.
    std::atomic<std::uint64_t> clients{0};
    core::Counter ended;  // connections that this node ended
  };

  Inbox(zmq::context_t& context, Options options, core::Core& core);

  /// kUnavailable when the address is taken or not this machine's; the text says which and what to
  /// do.
  /// `endpoint` is Options::listen with a number for its host. `descriptor` is a listening socket
  /// of it, which the inbox takes over; -1: it makes its own.
  Status bind(const std::string& endpoint, int descriptor = -1);
  /// Where it listens, with the port that was chosen for port 0.
  const std::string& endpoint() const { return endpoint_; }

  int fd() { return socket_.get(zmq::sockopt::fd); }
  /// The descriptor is readable: the next receive() looks into the socket. Each look costs a system
  /// call, so it does not otherwise.
  void notice_frames() { look_for_frames_ = true; }

  /// Handles what was noticed, up to 64 frames or a mebibyte, and gives those that wait their
  /// turns.
  bool receive(TimePoint now) override;
  /// Queues a reply for flush().
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  void flush() override;
  /// "a mesh client at 127.0.0.1".
  std::string address_of(const core::Origin& origin) const override;
  bool is_ready() override;
  /// Ends connections that must go, and takes no new ones while there are no descriptors.
  void tick(TimePoint now) override;
  /// Forgets connections that were silent for long.
  void sweep(TimePoint now) override;
  /// Forgets all connections: takes no more requests from those of now.
  void on_pause() override;
  /// Asks every connection, of now and later, for no more requests.
  void stop(TimePoint now) override;

  /// The principals are others now: forgets and ends connections whose keys are nobody's any more,
  /// or somebody else's. All others notice nothing.
  void on_principals();
  /// From now on newcomers must know this key, which is this node's too. Those that are connected
  /// notice nothing. kUnavailable, and the key stays, when the system has no more descriptors.
  Status take_key(const security::SecretKey& key);
  /// Who has proved to be at the other end of that connection: "foo@localhost" or a user; empty: it
  /// is gone, or this node has no key. Lives until the connection's end.
  std::string_view principal_of(const core::Origin& origin) const;

  const Counters& counters() const { return counters_; }

 private:
  // What a connection has proved; all of it is empty without keys.
  struct Identity {
    std::string principal;
    security::PublicKey key;
  };
  // A connection that must end, when it is certain which socket it has.
  struct Condemned {
    std::uint32_t id;
    KernelSocket socket;
    TimePoint since;
  };
  struct Client {
    Client(std::uint32_t its_id, std::shared_ptr<transport::UnsentBytes> its_unsent, Inbox& inbox)
        : id(its_id),
          waiting(inbox.waiting_bytes_),
          unsent(std::move(its_unsent)),
          held(inbox.held_bytes_) {}

    std::uint32_t id;
    std::string name;  // of a node; empty for a plain client
    Identity identity;
    std::uint64_t incarnation = 0;
    std::string address;       // its host; empty where there is none
    KernelSocket socket;       // as its HELLO told it; none: not known
    std::uint64_t met_at = 0;  // emptied_, at the HELLO
    TimePoint greeted;
    bool socket_is_sure = false;                     // not one that got the number later
    wire::Buffer frame;                              // replies of this pass
    WaitingReplies waiting;                          // those before
    std::shared_ptr<transport::UnsentBytes> unsent;  // what the socket took
    HeldRequests held;                               // until replies are read and its turn comes
    std::size_t refused_bytes = 0;  // of requests, for want of room, while behind since
    std::optional<TimePoint> refused_since;
    TimePoint last_heard;
    TimePoint last_ping;      // noted only while reading ahead
    FrameAge age;             // of what it sends, when it stamps that
    bool tells_read = false;  // what of its replies it has read
    std::size_t untold = 0;   // bytes of those that the socket took and it has not told of
    bool dirty = false;
    bool stuck = false;  // in stuck_
    bool gone = false;   // its connection has ended; erased when nobody is looking at it
  };

  // Of the requests of one frame.
  struct Arrival {
    std::uint64_t waited_ms = 0;      // on their way, at least, and while they were held
    std::optional<TimePoint> traced;  // of those that are traced; empty: not asked for yet
    // The pass began before the frame was read: with its time, what a node tells of a request's
    // stay would overlap with what the node before it tells of the way here.
    TimePoint of_traced() {
      if (!traced) traced = std::chrono::steady_clock::now();
      return *traced;
    }
  };

  void handle_message(std::string_view routing_id, std::string_view body, TimePoint now);
  void handle_hello(std::uint32_t id, std::string_view content, TimePoint now);
  std::optional<Identity> identify(std::uint32_t id, const wire::Hello& hello, TimePoint now);
  void refuse_identity(std::uint32_t id, const Identity& identity, const std::string& why,
                       TimePoint now);
  const Client* other_of(const Identity& identity, const wire::Hello& hello, TimePoint now) const;
  bool has_too_many(const Identity& identity, TimePoint now);
  bool may_stay(const Identity& identity) const;
  void welcome(Client& client, const wire::Hello& hello, TimePoint now);
  std::uint64_t version_max() const {
    return options_.key ? wire::kProtocolVersionWho : std::uint64_t{wire::kProtocolVersion};
  }
  // A client never says who asks, so it can do without.
  std::uint64_t version_min(const wire::Hello& hello) const {
    return hello.name.empty() ? std::uint64_t{wire::kProtocolVersion} : version_max();
  }
  void end_impostor(Client& client, TimePoint now);
  void revoke(Client& client, std::string_view why);
  void tell_audit(core::AuditEvent::Kind kind, const Client& client, std::string_view what) const;
  void end_condemned(TimePoint now);
  void handle_timed(Client& client, std::string_view content, TimePoint now);
  void handle_requests(Client& client, std::string_view run, std::chrono::microseconds age,
                       TimePoint now);
  void handle_ping(Client& client, std::string_view content, TimePoint now);
  void look_for_twin(const Client& client, TimePoint now);
  void handle_read(Client& client, std::string_view content);
  std::string_view hand_on(Client& client, std::string_view run, std::chrono::microseconds age,
                           std::optional<TimePoint> held_since, TimePoint now);
  std::size_t give_core(const Client& client, std::span<const core::Core::Incoming> requests,
                        TimePoint now);
  std::span<const core::Core::Incoming> decode_some(const Client& client, std::string_view& run,
                                                    Arrival& arrival,
                                                    std::optional<wire::Refusal>& refusal);
  bool receive_some(TimePoint now, int frames_max, std::size_t bytes_max);
  void pass_over_parts();
  bool keep_up(TimePoint now);
  bool was_forgotten(std::uint32_t id) const;
  static bool is_worth_an_answer(Client& client, wire::FrameKind kind, TimePoint now);
  void hold(Client& client, std::string_view run, std::chrono::microseconds age);
  bool has_room_for_all(const Client& client, std::size_t bytes) const;
  std::size_t refused_bytes(Client& client) const;
  void release_held(Client& client);
  void refuse_all(Client& client, std::string_view run, const Status& status);
  bool may_resume(const Client& client) const;
  static std::size_t unread_bytes(const Client& client);
  std::size_t unread_bytes_left() const;
  void append_loss(wire::Buffer& out, std::size_t bytes, RequestId id) const;
  bool has_room_for_replies(const Client& client) const;
  std::size_t run_max(const Client& client) const;
  bool can_resume() const;
  transport::Sent send_to(std::string_view routing_id, wire::Buffer& frame,
                          const std::shared_ptr<transport::UnsentBytes>& unsent = nullptr);
  transport::Sent send_replies(Client& client, std::string_view routing_id, wire::Buffer& frame);
  void resume_held(TimePoint now);
  std::size_t resume_one(Client& client, TimePoint now);
  void count(wire::Refusal reason) { counters_.refused[static_cast<std::size_t>(reason)].add(); }
  void refuse(std::string_view routing_id, wire::Refusal reason, std::string_view text);
  void refuse_unlogged(std::string_view routing_id, wire::Refusal reason, std::string_view text);
  void refuse_unknown(std::uint32_t id);
  std::string sender(std::string_view routing_id);
  Client* find(std::uint32_t id);
  void mark_dirty(Client& client);
  void seal(Client& client);
  void send_waiting(Client& client);
  void retry_stuck();
  void keep_spare(wire::Buffer& frame);
  void forget(Client& client);
  void make_sure_of_socket(Client& client);
  void end_flood(Client& client);
  void close_door(TimePoint now);
  bool has_descriptors(int spare) const;
  void bury_some();
  void say_goodbye(std::uint32_t id);
  void forget_silent(TimePoint now, std::chrono::milliseconds silence);
  void send_control(std::string_view routing_id, wire::Buffer& frame);

  Options options_;
  core::Core& core_;
  zmq::socket_t socket_;
  std::optional<Listening> listening_;  // ends before the socket
  transport::Message identity_;
  transport::Message body_;
  // Of all clients, whose queues count in them; so they are here before those.
  Meter held_bytes_;
  Meter waiting_bytes_;
  absl::flat_hash_map<std::uint32_t, std::unique_ptr<Client>> clients_;
  Forgotten forgotten_;
  Twins twins_;
  std::vector<std::unique_ptr<Client>> buried_;  // forgotten; freed bit by bit
  std::vector<std::uint32_t> dirty_;
  std::deque<std::uint32_t> stuck_;    // clients whose sockets are full
  std::vector<wire::Buffer> spare_;    // for replies of a pass
  std::deque<std::uint32_t> holding_;  // clients with held requests
  TurnClock turn_;
  Doorkeeper doorkeeper_;
  RequestPermits permits_;
  Refusals refusals_;
  std::vector<Condemned> condemned_;
  std::string endpoint_;      // where it listens, or did before the door was closed
  int descriptors_ = 0;       // that this process may have
  bool door_is_open_ = true;  // newcomers are let in
  std::optional<TimePoint> told_of_scarcity_;
  std::uint64_t emptied_ = 0;  // times that the socket was seen to have nothing more
  std::shared_ptr<transport::UnsentBytes> unsent_ = std::make_shared<transport::UnsentBytes>();
  TimePoint made_room_;  // when it last looked for clients that are silent
  // Users who have as many connections as they may; they are counted anew at that time.
  absl::flat_hash_map<std::string, TimePoint> crowded_until_;
  std::optional<TimePoint> behind_since_;  // when the socket last had more than a pass takes
  bool taking_in_ = false;                 // reading ahead: nothing is executed
  bool in_parts_ = false;                  // of a message of several, which is passed over
  std::array<core::Core::Incoming, core::Core::kRunMax> decoded_;  // kept for its memory
  std::array<std::string_view, core::Core::kRunMax> behind_;       // what follows each of them
  bool look_for_frames_ = true;
  bool may_hide_input_ = true;  // as Dealer::may_hide_input()
  bool stopping_ = false;
  std::array<bool, wire::kRefusalCount> told_of_refused_{};
  Counters counters_;
};

}  // namespace kvmesh::mesh
