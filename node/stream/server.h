#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "node/core/adapter.h"
#include "node/core/core.h"
#include "node/stream/codec.h"
#include "node/stream/connection.h"
#include "node/stream/login.h"
#include "node/stream/ready_set.h"
#include "node/stream/socket.h"
#include "node/stream/turns.h"

namespace kvmesh::stream {

/// How many connections the whole node has; each reactor's server counts its own in it.
using ConnectionCount = std::atomic<std::size_t>;

/// One reactor's share of the connections to one port, whatever protocol their codec speaks. All on
/// the reactor's thread.
class Server final : public core::Adapter {
 public:
  /// Who clients are. Empty: everybody may do everything.
  struct Security {
    const security::CurrentPrincipals* principals = nullptr;
    Login* login = nullptr;
    std::function<void(std::function<void()>)> post;  // to this server's thread
    core::Audit* audit = nullptr;                     // null: nobody wants to know
  };
  struct Options {
    std::uint32_t adapter = 0;                  // Origin::adapter of what comes from here
    CodecFactory make_codec;                    // of each connection
    std::chrono::milliseconds request_timeout;  // given to every request
    std::chrono::milliseconds idle_timeout;     // 0: never
    std::size_t buffered_max = limits::kTcpBufferedBytesMax;  // of all its connections
    Security security = {};
  };

  Server(Options options, core::Core& core, ConnectionCount& count);
  ~Server() override;

  /// The reactor calls notice() when this becomes readable: connections have become ready. It stays
  /// open as long as the server lives.
  int descriptor() const { return ready_.descriptor(); }
  void notice() { ready_.notice(); }

  /// Takes over a connection that was accepted and counted.
  void add(Socket socket);
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  std::string address_of(const core::Origin& origin) const override;
  /// Who has made a request; null when its client has gone, and where everybody may do everything.
  /// Valid until the next pass.
  const Identity* identity_of(const core::Origin& origin) const;
  /// The principals in force are others than before: whose proof is not taken any more is closed.
  void on_principals();
  /// Reads from light clients that have sent something, and gives the core their requests.
  bool receive(TimePoint now) override;
  /// Writes what the pass has gathered, and gives the turns of a pass.
  void flush() override;
  bool is_ready() override { return !dirty_.empty() || turns_.is_ready(); }
  void tick(TimePoint /*now*/) override {
    ready_.notice();  // where the loop cannot watch its descriptor
    turns_.tick();
  }
  /// Closes connections that were idle for too long.
  void sweep(TimePoint now) override;
  /// Connections close when their replies are out.
  void stop(TimePoint now) override;
  /// There are no connections.
  bool is_idle() const override { return connections_.empty(); }

  // For its connections.
  /// The time, for all that is done until the next call.
  TimePoint look_at_clock() { return now_ = std::chrono::steady_clock::now(); }
  std::uint32_t adapter() const { return options_.adapter; }
  void mark_dirty(Connection& connection);
  /// Looks at the clock and gives the connection that is handled next a turn's time.
  TimePoint begin_turn();
  bool turn_is_over() { return turns_.is_over(); }
  /// Connection::take_turn() follows, in this pass or a later one.
  void wait_for_turn(Connection& connection);
  /// Where a codec writes the next request.
  struct Gathered {
    RequestView& request;
    RequestScratch& scratch;
  };
  Gathered next_request() {
    return {gathered_[gathered_count_].request, scratches_[gathered_count_]};
  }
  /// next_request() was filled in; submit() gives the core all that were gathered.
  void gather(const core::Origin& origin, bool is_costly);
  void submit();
  /// It keeps more or less than when it was counted last.
  void count_bytes(Connection& connection);
  /// What comes of it reaches the connection by finish_login().
  void ask_login(const Connection& connection, std::uint64_t place, Login::Attempt attempt);
  /// The log tells of a client that speaks another protocol, not more than once a minute.
  void warn_of(const Connection& connection, std::string_view speaks, std::string_view to);
  /// Would `bytes` more take what all connections make us keep over the limit?
  bool is_full(std::size_t bytes) const;
  std::size_t buffered_max() const { return options_.buffered_max; }
  std::size_t buffered_bytes() const { return buffered_bytes_; }

 private:
  void flush(Connection& connection);
  void give_turns();
  bool identify(Connection& connection, std::string user);
  void finish_login(std::uint64_t connection, std::uint64_t place, Login::Answer answer);

  Options options_;
  core::Core& core_;
  ConnectionCount& count_;
  TimePoint now_;
  std::uint64_t next_id_ = 1;
  absl::flat_hash_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  ReadySet ready_;
  std::vector<std::shared_ptr<Connection>> dirty_;
  std::vector<std::shared_ptr<Connection>> flushing_;  // kept for its memory
  std::size_t buffered_bytes_ = 0;                     // of all connections
  Turns turns_;
  bool finishing_ = false;
  std::optional<TimePoint> warned_at_;  // of a foreign protocol
  std::uint64_t not_warned_of_ = 0;     // since then
  // Requests that wait for others to come with them, and what they point into beside the input of
  // their connections.
  std::array<core::Core::Incoming, core::Core::kRunMax> gathered_;
  std::array<RequestScratch, core::Core::kRunMax> scratches_;
  std::size_t gathered_count_ = 0;
};

}  // namespace kvmesh::stream
