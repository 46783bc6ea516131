#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

#include "common/config/settings.h"
#include "common/names.h"
#include "common/request.h"
#include "node/core/adapter.h"
#include "node/core/core.h"
#include "node/tasks/alarms.h"
#include "node/tasks/busy_workers.h"
#include "node/tasks/catalogue.h"
#include "node/tasks/events.h"
#include "node/tasks/execution.h"
#include "node/tasks/fiber_pool.h"
#include "node/tasks/node_watch.h"
#include "node/tasks/own_requests.h"
#include "node/tasks/processes.h"
#include "node/tasks/runtime.h"
#include "node/tasks/secret_numbers.h"

namespace kvmesh::tasks {

/// Runs what Processes decides, on fibers: the shell between a node's first reactor, its processes
/// and the workers of its pool. What bodies do comes to the reactor's thread as events, and is
/// handled there once a pass; nothing else is shared but Execution and Alarms, which have locks.
///
/// Owned by the node; all methods are for the thread of the first reactor, but counts().
class Host final : public core::Adapter, private Runtime {
 public:
  struct Options {
    NodeName self;
    Settings::Tasks settings;
    std::chrono::microseconds busy_poll;             // how long a worker looks before it sleeps
    std::function<void(const std::string&)> report;  // one line for the log
    std::vector<NodeName> peers = {};                // of the node; what a PeerIndex means
  };
  explicit Host(Options options);
  /// Waits until every body has ended, however long that takes.
  ~Host() override;

  /// Before start(); errors as Catalogue::add().
  Status load(Module module);

  /// `core` and `wake` are the reactor's, `adapter` the number of this one. `wake` ends the
  /// reactor's sleep; thread-safe. Before all below.
  void attach(core::Core& core, std::uint32_t adapter, std::function<void()> wake);

  /// Starts the servers and permanent tasks. Workers are there only if a module was loaded.
  void start(TimePoint now) override;
  /// Handles what the bodies have said, within a budget of time, then answers polls.
  bool receive(TimePoint now) override;
  void tick(TimePoint now) override;
  /// kGathering while bodies wait for a worker.
  News news() const override;
  bool may_sleep() override;
  /// The answer to a request of a body.
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  std::string address_of(const core::Origin& /*origin*/) const override { return "a task"; }
  void on_peers(const std::vector<NodeName>& peers) override { watch_.set_peers(peers); }
  void on_peer_up(PeerIndex peer) override { watch_.on_up(peer); }
  void on_peer_down(PeerIndex peer, const std::string& why) override { watch_.on_down(peer, why); }
  /// Tells every process to stop.
  void stop(TimePoint now) override;
  /// No body runs or waits.
  bool is_idle() const override { return executions_.empty(); }
  /// The reactor has ended: no body waits for anything any more. Gives them a moment to end; the
  /// names of those that have not.
  std::vector<std::string> close();

  // For the handlers of requests.

  Processes& processes() { return processes_; }
  NodeWatch& watch() { return watch_; }
  const Catalogue& catalogue() const { return catalogue_; }
  const NodeName& self() const { return options_.self; }
  std::uint64_t new_key() { return secrets_.next(); }
  /// The time, and not before what Processes has been told.
  TimePoint now();
  /// The caller may do everything: it is a body of this node, or there is no tasks.allow.
  bool is_unrestricted() const { return asks_itself_ || !options_.settings.allow.restricted(); }
  /// Whether callers from outside may call this: "module.function" or "server.function".
  bool allows(std::string_view function) const {
    return asks_itself_ || options_.settings.allow.allows(function);
  }

  struct Counts {
    std::size_t processes =
        0;  // bodies and mailboxes of clients, and ended tasks not yet handed over
    std::size_t running = 0;  // bodies on a worker, or ready for one again
    std::size_t queued = 0;   // bodies that have not begun
    std::size_t waiting = 0;  // bodies that wait for something
  };
  /// Of a moment. Thread-safe.
  Counts counts() const;

 private:
  // Runtime
  Status start(TaskStart task) override;
  Status start_server(ProcessId id, ServerIndex server) override;
  void deliver(ProcessId id, Delivery delivery) override;
  bool take_back(ProcessId id) override;
  void stop(ProcessId id, std::string_view why) override;
  void give_credit(ProcessId id, std::size_t bytes) override;
  bool has_begun(ProcessId id) const override;
  bool has_taken(ProcessId id) const override;
  bool is_parked(ProcessId id) const override;
  bool forestall(ProcessId id) override;
  Workers workers() const override;
  void answer(Ticket ticket, const Status& outcome, std::string_view result) override;
  void report(const std::string& line) override { options_.report(line); }

  Status run(ProcessId id, Execution::Body body);
  void add_supervised();
  void look_at_pool();
  std::string who_is_on_workers() const;
  void handle_events();
  void handle(Began& event);
  void handle(Exited& event);
  void handle(Wrote& event);
  void handle(Waits& event);
  void handle(Handled& event);
  void handle(WantsTimer& event);
  void handle(Notice& event);
  void handle(Asks& event);
  void ask(Asks event);

  const Options options_;
  Catalogue catalogue_;
  SecretNumbers secrets_;
  EventQueue events_;
  Alarms alarms_;
  OwnRequests own_requests_;
  std::multimap<TimePoint, Asks> later_;  // requests of bodies, by the end of their pause
  Processes processes_;
  NodeWatch watch_;
  absl::flat_hash_map<ProcessId, std::unique_ptr<Execution>> executions_;
  core::Core* core_ = nullptr;
  std::uint32_t adapter_ = 0;
  TimePoint now_;
  bool asks_itself_ = false;           // the request under way was made by a body of this node
  std::vector<Event> batch_;           // taken from events_
  std::size_t handled_ = 0;            // of those
  std::atomic<std::size_t> size_ = 0;  // of processes_
  BusyWorkers busy_workers_;
  bool unguarded_said_ = false;
  TimePoint next_look_at_zone_;
  std::unique_ptr<FiberPool> pool_;  // last: its workers use the rest
  std::optional<FiberPool::Batch> starting_;
};

}  // namespace kvmesh::tasks
