#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <zmq.hpp>

#include "common/busy_poll.h"
#include "common/config/settings.h"
#include "node/core/adapter.h"
#include "node/core/audit.h"
#include "node/core/core.h"
#include "node/descriptor_watcher.h"
#include "node/mesh/peer_links.h"
#include "node/modules/kv_module.h"
#include "node/node_topology.h"
#include "node/pause_watch.h"

namespace kvmesh {

/// One thread's share of a node: an event loop with its own core, its links to the peers, and the
/// adapters that bring it requests.
///
/// A pass of the loop is: wait; take what has arrived, within a budget for each source; then flush.
/// Everything that a pass has for one peer or connection leaves in one message or write, which is
/// what makes it fast; no timer delays anything.
///
/// Thread-safe: post(), wake(), and the counters of core(). All else belongs to the thread that
/// called run().
class Reactor final : private core::Effects, private mesh::PeerEvents {
 public:
  struct Parts {
    zmq::context_t& context;
    const Settings& settings;
    const core::FunctionRegistry& modules;
    std::string software;
    std::uint64_t incarnation;  // of this start of the node
    const std::atomic<std::uint64_t>& table_epoch;
    core::Audit& audit;
  };
  explicit Reactor(const Parts& parts);
  ~Reactor() override;

  /// The number of the adapter that is added next: Origin::adapter of its requests.
  std::uint32_t next_adapter() const { return static_cast<std::uint32_t>(adapters_.size()); }
  /// `adapter` brings its requests to core(). It must outlive this reactor's run(). Before run().
  void add(core::Adapter& adapter) { adapters_.push_back(&adapter); }
  /// `kv`, the store of this reactor, works between requests, in each pass. It must outlive run().
  /// Before run(); without it the node has no storage.
  void add(modules::KvModule& kv) { kv_ = &kv; }
  /// Calls `on_readable` in each pass in which the descriptor has become readable. Before run().
  void watch(int descriptor, std::function<void()> on_readable) {
    watcher_.watch(descriptor, std::move(on_readable));
  }

  /// Runs until stop() has been asked for and done.
  void run();
  /// Runs `task` on this reactor's thread, in one of its next passes. Thread-safe.
  void post(std::function<void()> task);
  /// Ends its sleep: the next pass asks all adapters. Thread-safe.
  void wake();

  /// Takes no more requests, answers what is under way for at most `grace`, fails the rest, then
  /// ends run().
  void stop(std::chrono::milliseconds grace);
  /// As mesh::PeerLinks::set_keys().
  void set_keys(const security::KeyPair& own,
                std::shared_ptr<const security::Principals> principals);
  /// Swaps peers, links, vias and table in one step. Links of peers that stay are not touched.
  /// REQUIRES: by topology_of(), from the places of now.
  void set_topology(const NodeTopology& topology);

  asio::io_context& loop() { return loop_; }
  const mesh::PeerLinks& links() const { return links_; }
  core::Core& core() { return core_; }
  const core::Core& core() const { return core_; }

 private:
  void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step) override;
  Unsent unsent(PeerIndex peer) override;
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  void slow_request(const core::Origin& origin, const std::string& line) override;
  void slow_requests_left_out(std::uint64_t count) override;
  void denied(const core::Origin& origin, const RequestView& request) override;
  void administered(const core::Origin& origin, const RequestView& request) override;
  TimePoint clock() override { return std::chrono::steady_clock::now(); }

  void on_peer_up(PeerIndex peer) override;
  void on_peer_down(PeerIndex peer, const std::string& why) override;

  void tell(core::AuditEvent::Kind kind, const core::Origin& origin, const RequestView& request);

  bool pass(bool wait);
  void wait_for_work();
  bool look_for_work();
  bool has_news(TimePoint now, TimePoint& gather_until);
  bool may_sleep();
  bool run_handlers();
  bool receive(TimePoint now);
  void flush();
  void arm_tick();
  void tick();
  void notice_pause();
  bool is_done(TimePoint now);
  void finish();

  asio::io_context loop_{1};
  asio::steady_timer tick_timer_;
  DescriptorWatcher watcher_;
  BusyPoll busy_poll_;
  PauseWatch pauses_;
  core::Core core_;
  mesh::PeerLinks links_;
  std::vector<core::Adapter*> adapters_;  // by Origin::adapter
  modules::KvModule* kv_ = nullptr;       // null without storage
  core::Audit& audit_;
  TimePoint last_pass_;
  TimePoint last_sweep_;
  int work_ = 0;                      // handlers since it last slept, ticks aside
  std::optional<TimePoint> stop_at_;  // set: stopping, at the latest then
};

}  // namespace kvmesh
