#include <kvmesh/node.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

#include "common/config/load.h"
#include "common/text.h"
#include "node/log_writer.h"
#include "node/node_impl.h"
#include "node/process_setup.h"
#include "node/shared_module.h"
#include "node/store_opening.h"
#include "node/tasks/catalogue.h"
#include "node/tasks/vain_patterns.h"
#include "node/tls/context.h"

namespace kvmesh {
namespace {

SettingsSources sources_of(const Node::Options& options) {
  SettingsSources sources;
  sources.files = options.config_files;
  sources.assignments = options.assignments;
  if (options.use_environment) sources.environment = settings_environment();
  return sources;
}

// One line an event on standard error, with the node's name.
void start_log(const Settings& settings) {
  kvmesh::start_log("%Y-%m-%d %H:%M:%S.%e " + settings.name.str() + " %^%l%$ %v",
                    settings.log.level);
}

// What was logged comes before what the program says of a node that does not start.
class LogDrain {
 public:
  LogDrain() = default;
  ~LogDrain() { drain_log(); }
  LogDrain(const LogDrain&) = delete;
  LogDrain& operator=(const LogDrain&) = delete;
};

// Loads them as a node would, and says of each what is wrong.
Status check_modules(const std::vector<Settings::ModuleFile>& files, tasks::Catalogue& catalogue) {
  return load_shared_modules(
      files, [&catalogue](Module module) { return catalogue.add(std::move(module)); });
}

}  // namespace

Result<std::vector<std::string>> Node::check(const Options& options) {
  auto loaded = load_settings(sources_of(options));
  if (!loaded) return loaded.status();
  tasks::Catalogue catalogue;
  const auto& settings = loaded->settings;
  if (auto status = check_modules(settings.modules, catalogue); !status.ok()) return status;
  const auto keys = load_keys(settings);
  if (!keys) return keys.status();
  if (auto status = AuditLog::check(settings.log.audit); !status.ok()) return status;
  auto warnings = std::move(loaded->warnings);
  if (*keys) std::ranges::copy((*keys)->principals->warnings(), std::back_inserter(warnings));
  if (settings.apps.kv_server && settings.kv_server.tls.is_on()) {
    const auto context = tls::Context::load(settings.kv_server.tls, tls::identify_by(nullptr));
    if (!context) return context.status();
    auto warning = (*context)->warning(std::chrono::system_clock::now());
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  std::ranges::move(tasks::vain_patterns(settings.tasks.allow, loaded->allow_place, catalogue),
                    std::back_inserter(warnings));
  return warnings;
}

Result<std::unique_ptr<Node>> Node::start(const Options& options) {
  auto sources = sources_of(options);
  auto loaded = load_settings(sources);
  if (!loaded) return loaded.status();
  if (options.handle_signals) prepare_signals();
  prepare_memory();
  // The libraries tell by exceptions that there is no descriptor or no memory left for a loop, a
  // thread or a socket.
  try {
    start_log(loaded->settings);
    const LogDrain warnings_first;
    const bool has_secrets =
        !loaded->settings.mesh.key.empty() || loaded->settings.kv_server.tls.is_on();
    if (options.handle_signals && has_secrets) hide_memory();
    auto keys = load_keys(loaded->settings);
    if (!keys) return keys.status();
    auto audit = AuditLog::open(loaded->settings.log.audit);
    if (!audit) return audit.status();
    auto store = open_store(loaded->settings, options.accept_loss);
    if (!store) return store.status();
    auto impl =
        std::make_unique<Impl>(std::move(loaded->settings), std::move(sources), *std::move(store),
                               std::move(loaded->allow_place), *std::move(audit), *keys);
    impl->report(loaded->warnings);
    if (*keys) impl->report((*keys)->principals->warnings());
    if (auto status = impl->load_modules(); !status.ok()) return status;
    if (auto status = impl->bind(); !status.ok()) return status;
    if (options.handle_signals) impl->handle_signals();
    return std::unique_ptr<Node>{new Node{std::move(impl)}};
  } catch (const std::exception& error) {
    return Status{StatusCode::kInternal, std::string{"the node cannot start: "} + error.what()};
  }
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

Status Node::load(Module module) { return impl_->load(std::move(module)); }
Status Node::run() { return impl_->run(); }
const std::vector<std::string>& Node::still_running() const { return impl_->still_running(); }
void Node::stop() { impl_->stop(); }
Result<Node::Reloaded> Node::reload() { return impl_->reload(); }
std::string Node::mesh_endpoint() const { return impl_->mesh_endpoint(); }
std::string Node::line_endpoint() const { return impl_->line_endpoint(); }

}  // namespace kvmesh
