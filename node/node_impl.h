#pragma once

#include <kvmesh/node.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <asio/signal_set.hpp>
#include <zmq.hpp>

#include "common/config/load.h"
#include "common/security/current_principals.h"
#include "node/audit_function.h"
#include "node/audit_log.h"
#include "node/core/function_registry.h"
#include "node/ipc_listener.h"
#include "node/mesh/inbox.h"
#include "node/mesh/zap_handler.h"
#include "node/node_keys.h"
#include "node/reactor.h"
#include "node/reloader.h"
#include "node/store_opening.h"
#include "node/stream/acceptor.h"
#include "node/stream/door.h"
#include "node/stream/login.h"
#include "node/stream/server.h"
#include "node/tasks/host.h"
#include "node/tls/certificates.h"

namespace kvmesh {

/// The parts of a node, put together as its settings say. Made on one thread, which then calls
/// run(); the first reactor runs on that thread, the others on threads of their own.
class Node::Impl {
 public:
  /// `allow_place`: as of LoadedSettings.
  Impl(Settings settings, SettingsSources sources, OpenedStore store, std::string allow_place,
       std::unique_ptr<AuditLog> audit, std::optional<NodeKeys> keys);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void report(const std::vector<std::string>& warnings) const;
  Status load(Module module);
  /// Those that the settings name.
  Status load_modules();
  Status bind();
  void handle_signals();
  Status run();
  void stop();
  Result<Reloaded> reload();
  std::string mesh_endpoint() const;
  std::string line_endpoint() const;
  const std::vector<std::string>& still_running() const { return still_running_; }

 private:
  Reactor& first() { return *reactors_.front(); }
  void make_reactors();
  void add_store(Reactor& reactor);
  void add_adapters(Reactor& reactor);
  void define_modules(core::FunctionRegistry& modules, std::size_t reactor);
  void await_signal();
  Result<Reloaded> read_again();
  void apply(const NodeTopology& topology, const std::optional<NodeKeys>& keys);
  Result<std::optional<NodeKeys>> read_keys_again(const Settings& settings) const;
  void take_keys(const NodeKeys& keys);
  void audit_reload(std::string_view what) const;
  void begin_reload(core::Call::Ticket ticket);
  void answer_reload(core::Call::Ticket ticket, const Reloader::Report& report,
                     std::size_t reactor);
  void warn_of_strays(std::vector<std::string>& warnings) const;
  Status guard_mesh();
  void reload_certificates(Reloaded& out);
  Status bind_mesh();
  Status bind_inbox(const std::string& endpoint, int descriptor);
  Status bind_lines();
  Status open_tls();
  Status start_threads();
  void take_connection(stream::Socket socket);

  Settings settings_;  // what a reload takes over: as at the start
  SettingsSources sources_;
  OpenedStore store_;
  std::string allow_place_;
  std::unique_ptr<AuditLog> audit_;
  std::string software_;
  const std::uint64_t incarnation_;
  std::chrono::steady_clock::time_point started_;
  zmq::context_t context_;
  std::atomic<std::uint64_t> table_epoch_{1};
  std::optional<NodeKeys> keys_;  // in force; written by reloads, under the mutex
  std::optional<security::CurrentPrincipals> principals_;  // none without keys
  std::unique_ptr<mesh::ZapHandler> zap_;                  // answers until the inbox has ended
  std::mutex reload_mutex_;
  Settings in_force_;                 // with what reloads have taken over; under the mutex
  std::vector<NodeName> places_;      // of the peers; under the mutex
  bool short_of_files_told_ = false;  // see raise_descriptor_limit(); under the mutex
  stream::ConnectionCount connections_{0};
  std::vector<std::unique_ptr<core::FunctionRegistry>> modules_;  // one for each reactor
  // These two end after the reactors, which watch their descriptors.
  std::optional<mesh::Inbox> inbox_;
  std::vector<std::unique_ptr<stream::Server>>
      line_servers_;  // one for each reactor; none without kv_server
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::optional<AuditFunction> audit_function_;  // of the first reactor
  // One for each reactor, which they wake until they have ended; none without storage.
  std::vector<std::unique_ptr<modules::KvModule>> kv_modules_;
  std::unique_ptr<IpcListener> ipc_;  // ends before the inbox that listens on it
  tasks::Host tasks_;  // after the reactors: its bodies wake the first one until they have ended
  std::vector<std::string> still_running_;
  bool has_run_ = false;
  std::vector<std::thread> threads_;
  std::optional<stream::Login> login_;  // none without keys
  // Null and empty without TLS.
  std::unique_ptr<tls::Certificates> certificates_;
  std::optional<stream::Door> door_;
  stream::ConnectionCount at_the_door_{0};  // that were accepted, ever
  std::optional<stream::Acceptor> acceptor_;
  std::optional<asio::signal_set> signals_;
  std::size_t next_reactor_ = 0;
  Reloader reloader_{[this] { return reload(); }};  // last: its thread uses the rest
};

}  // namespace kvmesh
