#include "node/node_impl.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <system_error>
#include <utility>

#include <kvmesh/limits.h>
#include <spdlog/spdlog.h>

#include "common/config/address.h"
#include "common/text.h"
#include "node/descriptor_limit.h"
#include "node/info.h"
#include "node/line/line_codec.h"
#include "node/listen_address.h"
#include "node/log_writer.h"
#include "node/modules/kv_module.h"
#include "node/modules/node_module.h"
#include "node/modules/task_modules.h"
#include "node/reload_function.h"
#include "node/shared_module.h"
#include "node/tasks/secret_numbers.h"
#include "node/tasks/vain_patterns.h"
#include "node/version.h"

namespace kvmesh {
namespace {

constexpr std::chrono::milliseconds kStopGrace{1000};  // for what is under way when a node stops
constexpr int kIoThreadsWithKeys = 2;
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIpc = "ipc://";

std::unique_ptr<stream::Codec> make_line_codec() { return std::make_unique<line::LineCodec>(); }

// A DEALER link takes three sockets: itself and both ends of its monitor. As many again for links
// being replaced. For as many peers as a reload may bring: libzmq takes the number only once.
int sockets_max(const Settings& settings) {
  const auto links = limits::kPeersMax * settings.threads;
  return static_cast<int>(std::min<std::size_t>(65535, 6 * links + 64));
}

}  // namespace

Node::Impl::Impl(Settings settings, SettingsSources sources, OpenedStore store,
                 std::string allow_place, std::unique_ptr<AuditLog> audit,
                 std::optional<NodeKeys> keys)
    : settings_(std::move(settings)),
      sources_(std::move(sources)),
      store_(std::move(store)),
      allow_place_(std::move(allow_place)),
      audit_(std::move(audit)),
      software_(std::string{"kvmesh "} + kVersion),
      incarnation_(tasks::SecretNumbers{}.next() | 1U),
      started_(std::chrono::steady_clock::now()),
      keys_(std::move(keys)),
      tasks_({settings_.name, settings_.tasks, settings_.busy_poll,
              // It may hold what a task has thrown.
              [](const std::string& line) { spdlog::warn("{}", printable(line)); }}) {
  raise_descriptor_limit(settings_, short_of_files_told_);
  context_.set(zmq::ctxopt::max_sockets, sockets_max(settings_));
  if (keys_) {
    principals_.emplace(keys_->principals);
    // Encryption and handshakes are work of these; a flood of them leaves links some.
    context_.set(zmq::ctxopt::io_threads, kIoThreadsWithKeys);
  }
  make_reactors();
}

Node::Impl::~Impl() {
  for (auto& thread : threads_) thread.join();
}

void Node::Impl::make_reactors() {
  in_force_ = settings_;
  const auto topology = topology_of(settings_, {});
  places_ = topology.core.peers;
  for (std::size_t i = 0; i < settings_.threads; ++i) {
    modules_.push_back(std::make_unique<core::FunctionRegistry>());
    reactors_.push_back(std::make_unique<Reactor>(Reactor::Parts{
        context_, settings_, *modules_.back(), software_, incarnation_, table_epoch_, *audit_}));
    if (store_.engine) add_store(*reactors_.back());
    define_modules(*modules_.back(), i);
    add_adapters(*reactors_.back());
    if (keys_) reactors_.back()->set_keys(keys_->own, keys_->principals);
    reactors_.back()->set_topology(topology);
  }
}

void Node::Impl::add_store(Reactor& reactor) {
  kv_modules_.push_back(
      std::make_unique<modules::KvModule>(*store_.engine, [&reactor] { reactor.wake(); }));
  reactor.add(*kv_modules_.back());
}

// What comes from the mesh and from tasks goes to the first reactor.
void Node::Impl::add_adapters(Reactor& reactor) {
  if (&reactor == &first()) {
    mesh::Inbox::Options options{settings_.mesh.listen,
                                 settings_.name,
                                 software_,
                                 reactor.next_adapter(),
                                 [this] { return table_epoch_.load(); },
                                 {},
                                 nullptr,
                                 audit_.get()};
    if (keys_) {
      options.key = keys_->own.secret_key;
      options.principals = &*principals_;
    }
    inbox_.emplace(context_, std::move(options), reactor.core());
    reactor.add(*inbox_);
    tasks_.attach(reactor.core(), reactor.next_adapter(), [&reactor] { reactor.wake(); });
    reactor.add(tasks_);
    audit_function_.emplace(*audit_, reactor.core());
    audit_function_->define(*modules_.front());
    reactor.add(*audit_function_);
  }
  if (!settings_.apps.kv_server) return;
  stream::Server::Options options{reactor.next_adapter(), make_line_codec,
                                  settings_.mesh.request_timeout, settings_.kv_server.idle_timeout,
                                  limits::kTcpBufferedBytesMax / settings_.threads};
  if (principals_) {
    if (!login_)
      login_.emplace(*principals_, stream::Login::Options{settings_.mesh.insecure, audit_.get()});
    options.security = {&*principals_, &*login_,
                        [&reactor](std::function<void()> task) { reactor.post(std::move(task)); },
                        audit_.get()};
  }
  line_servers_.push_back(std::make_unique<stream::Server>(options, reactor.core(), connections_));
  auto& server = *line_servers_.back();
  reactor.add(server);
  reactor.watch(server.descriptor(), [&server] { server.notice(); });
}

void Node::Impl::define_modules(core::FunctionRegistry& modules, std::size_t reactor) {
  modules::define_node(modules, settings_.name, [this, reactor](wire::Buffer& out) {
    static const std::string kVersionText{kVersion};
    pack_info(out, {settings_, kVersionText, incarnation_, started_, table_epoch_.load(), store_,
                    reactors_, *reactors_[reactor], inbox_->counters(),
                    connections_.load(std::memory_order_relaxed), tasks_.counts(),
                    zap_ != nullptr ? zap_->refused() : 0});
  });
  if (store_.engine) kv_modules_[reactor]->define(modules);
  if (reactor > 0) return;
  modules::define_task(modules, tasks_);
  modules::define_process(modules, tasks_);
  modules::define_server(modules, tasks_);
  modules::define_watch(modules, tasks_);
  define_reload(modules, [this](core::Call::Ticket ticket) { begin_reload(ticket); });
}

void Node::Impl::report(const std::vector<std::string>& warnings) const {
  for (const auto& warning : warnings) spdlog::warn("{}", warning);
}

Status Node::Impl::load(Module module) {
  if (has_run_) {
    return {StatusCode::kInvalidArgument,
            "module " + module.name() + ": modules are loaded before run(), not during it"};
  }
  return tasks_.load(std::move(module));
}

Status Node::Impl::load_modules() {
  return load_shared_modules(settings_.modules,
                             [this](Module module) { return load(std::move(module)); });
}

Status Node::Impl::bind() {
  if (auto status = guard_mesh(); !status.ok()) return status;
  if (auto status = bind_mesh(); !status.ok()) return status;
  return settings_.apps.kv_server ? bind_lines() : Status{};
}

// Before the mesh port is bound: libzmq lets everybody in while nobody answers.
Status Node::Impl::guard_mesh() {
  if (!keys_) return {};
  auto zap = mesh::ZapHandler::start(context_, *principals_, audit_.get());
  if (!zap) return {zap.status().code(), "mesh.key: " + zap.status().text()};
  zap_ = *std::move(zap);
  return {};
}

Status Node::Impl::bind_mesh() {
  const std::string_view listen = settings_.mesh.listen;
  const auto failed = [&](const Status& why) {
    return Status{StatusCode::kUnavailable, "mesh.listen: cannot listen on " + std::string{listen} +
                                                ": " + why.text() + "; change mesh.listen"};
  };
  if (listen.starts_with(kIpc)) {
    auto ipc = IpcListener::open(std::string{listen.substr(kIpc.size())});
    if (!ipc) return failed(ipc.status());
    ipc_ = *std::move(ipc);
    return bind_inbox(std::string{listen}, ipc_->release());
  }
  const auto parsed = parse_host_port(listen.substr(kTcp.size()), AddressUse::kListen);
  const auto where = parsed ? resolve_listen(*parsed) : parsed;
  if (!where) return failed(where.status());
  return bind_inbox(std::string{kTcp} + to_string(*where), -1);
}

Status Node::Impl::bind_inbox(const std::string& endpoint, int descriptor) {
  auto status = inbox_->bind(endpoint, descriptor);
  if (status.ok()) first().watch(inbox_->fd(), [this] { inbox_->notice_frames(); });
  return status;
}

Status Node::Impl::bind_lines() {
  const auto& listen = settings_.kv_server.listen;
  const auto parsed = parse_host_port(listen, AddressUse::kListen);
  const auto where = parsed ? resolve_listen(*parsed) : parsed;
  if (!where) {
    return {StatusCode::kUnavailable, "kv_server.listen: cannot listen on " + listen + ": " +
                                          where.status().text() + "; change kv_server.listen"};
  }
  if (login_) {
    if (auto status = login_->start(); !status.ok()) return status;
  }
  const auto connections_max = settings_.kv_server.connections_max;
  if (!settings_.kv_server.tls.is_on()) {
    acceptor_.emplace(
        first().loop(), stream::Acceptor::Options{"kv_server", connections_max, make_line_codec},
        connections_, [this](stream::Socket socket) { take_connection(std::move(socket)); });
    return acceptor_->bind(*where, listen);
  }
  if (auto status = open_tls(); !status.ok()) return status;
  // The door counts those who come in.
  acceptor_.emplace(first().loop(),
                    stream::Acceptor::Options{"kv_server", std::numeric_limits<std::size_t>::max(),
                                              make_line_codec},
                    at_the_door_,
                    [this](stream::Socket socket) { door_->take(std::move(socket)); });
  return acceptor_->bind(*where, listen);
}

Status Node::Impl::open_tls() {
  auto certificates = tls::Certificates::open(
      settings_.kv_server.tls, tls::identify_by(principals_ ? &*principals_ : nullptr));
  if (!certificates) return certificates.status();
  certificates_ = *std::move(certificates);
  const stream::Door::Options options{"kv_server", settings_.kv_server.connections_max,
                                      make_line_codec, audit_.get()};
  door_.emplace(options, *certificates_, connections_, [this](stream::Socket socket) {
    // Owned from here on: the task is dropped unrun when the reactor has stopped.
    auto moved = std::make_shared<stream::Socket>(std::move(socket));
    first().post([this, moved] { take_connection(std::move(*moved)); });
  });
  return door_->start();
}

// Connections go to the reactors in turn.
void Node::Impl::take_connection(stream::Socket socket) {
  const auto next = next_reactor_++ % reactors_.size();
  auto& server = *line_servers_[next];
  if (next == 0) return server.add(std::move(socket));
  // Owned from here on: the task is dropped unrun when that reactor has stopped.
  auto moved = std::make_shared<stream::Socket>(std::move(socket));
  reactors_[next]->post([&server, moved] { server.add(std::move(*moved)); });
}

void Node::Impl::handle_signals() {
  signals_.emplace(first().loop(), SIGTERM, SIGINT, SIGHUP);
  await_signal();
}

void Node::Impl::await_signal() {
  signals_->async_wait([this](asio::error_code cancelled, int signal) {
    if (cancelled) return;
    if (signal != SIGHUP) {
      spdlog::info("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
      stop();
    } else if (const auto status = reloader_.ask([](const auto&) {}); !status.ok()) {
      spdlog::error("{}", status.text());
    }
    await_signal();
  });
}

Status Node::Impl::run() {
  has_run_ = true;
  // Now all modules are there, those of the program too.
  report(tasks::vain_patterns(settings_.tasks.allow, allow_place_, tasks_.catalogue()));
  if (acceptor_) acceptor_->start();
  spdlog::info("ready: mesh at {}, line protocol {}{}, table {}", mesh_endpoint(),
               acceptor_ ? "at " + acceptor_->endpoint() : "off", door_ ? " with TLS" : "",
               settings_.kv.routing_table.to_string());
  auto status = start_threads();
  if (!status.ok()) stop();
  first().run();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  still_running_ = tasks_.close();
  for (const auto& task : still_running_) {
    spdlog::warn("{} was told to stop and still runs; it is left to itself", task);
  }
  ipc_.reset();
  spdlog::info("stopped");
  drain_log();
  return status;
}

Status Node::Impl::start_threads() {
  try {
    for (std::size_t i = 1; i < reactors_.size(); ++i) {
      threads_.emplace_back([reactor = reactors_[i].get()] { reactor->run(); });
    }
    return {};
  } catch (const std::system_error& error) {
    return {StatusCode::kInternal, "cannot start thread " + std::to_string(threads_.size() + 2) +
                                       " of " + std::to_string(reactors_.size()) +
                                       " (threads): " + error.what()};
  }
}

void Node::Impl::stop() {
  first().post([this] {
    if (acceptor_) acceptor_->stop();
  });
  for (const auto& reactor : reactors_) {
    reactor->post([r = reactor.get()] { r->stop(kStopGrace); });
  }
}

std::string Node::Impl::mesh_endpoint() const { return inbox_->endpoint(); }

std::string Node::Impl::line_endpoint() const {
  return acceptor_ ? acceptor_->endpoint() : std::string{};
}

}  // namespace kvmesh
