// A node's settings, read again while it runs.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "common/config/changes.h"
#include "node/descriptor_limit.h"
#include "node/info.h"
#include "node/node_impl.h"
#include "node/reload_function.h"

namespace kvmesh {

Result<Node::Reloaded> Node::Impl::reload() {
  const std::scoped_lock lock{reload_mutex_};
  if (const auto status = audit_->reopen(); !status.ok()) spdlog::error("{}", status.text());
  auto reloaded = read_again();
  if (!reloaded) {
    spdlog::error("the configuration is not taken over, and nothing has changed:\n{}",
                  reloaded.status().text());
    audit_reload(reloaded.status().text());
    return reloaded;
  }
  report(reloaded->warnings);
  report(reloaded->needs_restart);
  spdlog::info("the configuration is read again");
  for (const auto& change : reloaded->changes) spdlog::info("{}", change);
  if (reloaded->changes.empty()) {
    spdlog::info("nothing has changed; the routing table is now {}",
                 in_force_.kv.routing_table.to_string());
  }
  return reloaded;
}

Result<Node::Reloaded> Node::Impl::read_again() {
  auto loaded = reload_settings(sources_, settings_);
  if (!loaded) return loaded.status();
  const auto keys = read_keys_again(loaded->settings);
  if (!keys) return keys.status();
  Reloaded out;
  out.changes = taken_over(in_force_, loaded->settings);
  out.needs_restart = restart_needed(settings_, loaded->settings);
  out.warnings = std::move(loaded->warnings);

  in_force_.mesh.peers = std::move(loaded->settings.mesh.peers);
  in_force_.mesh.vias = std::move(loaded->settings.mesh.vias);
  in_force_.kv.routing_table = std::move(loaded->settings.kv.routing_table);
  auto topology = topology_of(in_force_, places_);
  places_ = topology.core.peers;
  if (!out.changes.empty()) raise_descriptor_limit(in_force_, short_of_files_told_);
  if (*keys) {
    for (auto& change : changes_of(*keys_, **keys)) {
      audit_reload(change);
      out.changes.push_back(std::move(change));
    }
    const auto& odd = (*keys)->principals->warnings();
    out.warnings.insert(out.warnings.end(), odd.begin(), odd.end());
  }
  apply(topology, *keys);
  keys_ = *keys;
  warn_of_strays(out.warnings);
  reload_certificates(out);
  return out;
}

// Those that are faulty are no reason to keep peers and tables back.
void Node::Impl::reload_certificates(Reloaded& out) {
  if (!certificates_) return;
  const auto has_changed = certificates_->reload();
  if (!has_changed) {
    out.warnings.push_back(has_changed.status().text());
  } else if (*has_changed) {
    out.changes.emplace_back("kv_server.tls: new connections get other certificates");
    audit_reload(out.changes.back());
  }
  auto warning = certificates_->warning(std::chrono::system_clock::now());
  if (!warning.empty()) out.warnings.push_back(std::move(warning));
}

void Node::Impl::warn_of_strays(std::vector<std::string>& warnings) const {
  if (!store_.engine) return;
  const auto strays = count_strays(*store_.engine, in_force_.kv.routing_table, settings_.name);
  if (strays == 0) return;
  const std::string node = settings_.name.str();
  warnings.push_back(
      "this node holds " + (strays == 1 ? "a bucket" : std::to_string(strays) + " buckets") +
      " that its table gives to others, so that no request finds " + (strays == 1 ? "it" : "them") +
      " here; what was carried over already is only to be dropped (kvmesh drop --on " + node +
      " --range RANGE), as importing such a copy would overwrite what is newer; kvmesh verify "
      "--live "
      "says how to compare");
}

// The files that were named at the start; what they hold must go together with the peers of now.
Result<std::optional<NodeKeys>> Node::Impl::read_keys_again(const Settings& settings) const {
  auto wanted = settings;
  wanted.mesh.key = settings_.mesh.key;
  wanted.mesh.security = settings_.mesh.security;
  return load_keys(wanted);
}

void Node::Impl::audit_reload(std::string_view what) const {
  if (audit_ == nullptr || !keys_) return;
  core::AuditEvent event;
  event.kind = core::AuditEvent::Kind::kReloaded;
  event.what = what;
  audit_->tell(event);
}

// On the first reactor, after its links have them.
void Node::Impl::take_keys(const NodeKeys& keys) {
  inbox_->on_principals();
  if (const auto status = inbox_->take_key(keys.own.secret_key); !status.ok()) {
    spdlog::error("{}; newcomers must know the one of before until a restart", status.text());
  }
}

// Whoever connects from now on is judged by the new principals at once.
void Node::Impl::apply(const NodeTopology& topology, const std::optional<NodeKeys>& keys) {
  if (keys) principals_->set(keys->principals);
  for (std::size_t i = 0; keys && i < line_servers_.size(); ++i) {
    reactors_[i]->post([server = line_servers_[i].get()] { server->on_principals(); });
  }
  for (const auto& reactor : reactors_) {
    reactor->post([this, topology, keys, r = reactor.get()] {
      if (keys) r->set_keys(keys->own, keys->principals);
      if (keys && r == &first()) take_keys(*keys);
      r->set_topology(topology);
      if (r == &first()) ++table_epoch_;
    });
  }
}

void Node::Impl::begin_reload(core::Call::Ticket ticket) {
  const auto status = reloader_.ask([this, ticket](const Reloader::Report& report) {
    answer_reload(ticket, report, reactors_.size() - 1);
  });
  if (!status.ok()) answer_reload(ticket, status, 0);
}

// Comes through each reactor after the topology has: what is asked after the answer finds that.
void Node::Impl::answer_reload(core::Call::Ticket ticket, const Reloader::Report& report,
                               std::size_t reactor) {
  reactors_[reactor]->post([this, ticket, report, reactor] {
    if (reactor > 0) return answer_reload(ticket, report, reactor - 1);
    complete_reload(first().core(), ticket, report);
  });
}

}  // namespace kvmesh
