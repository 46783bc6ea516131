#include "node/node_keys.h"

#include <algorithm>
#include <utility>

#include "common/security/key_file.h"
#include "common/security/own_key.h"

namespace kvmesh {
namespace {

Status refused(std::string_view setting, const std::string& text) {
  return {StatusCode::kInvalidArgument, std::string{setting} + ": " + text};
}

std::string shown(const security::PublicKey& key) { return key.fingerprint() + "..."; }

std::string table_of(const NodeName& name) { return "[node.\"" + name.str() + "\"]"; }

// A node that does not know whom it speaks to would only seem to run.
Status check_peers(const security::Principals& principals, const Settings& settings) {
  const auto& path = settings.mesh.security;
  std::string faults;
  for (const auto& peer : settings.mesh.peers) {
    const auto* known = principals.find(peer.name.str());
    // One whose keys are all revoked stays away, and the others go on.
    const bool has_key = known != nullptr && known->is_node && !known->keys.empty();
    if (has_key) continue;
    faults += (faults.empty() ? "" : "\nmesh.security: ") + path + " has no key of " +
              peer.name.str() + ", which is a peer of this node (mesh.peers); add " +
              table_of(peer.name) + " with its public key, or remove the peer";
  }
  return faults.empty() ? Status{} : refused("mesh.security", faults);
}

std::string titled(const security::Principal& one) {
  return (one.is_node ? "node " : "user ") + one.name;
}

bool may_differ(const security::Principal& a, const security::Principal& b) {
  return a.rights != b.rights || a.may_vouch != b.may_vouch;
}

bool logs_in_otherwise(const security::Principal& a, const security::Principal& b) {
  return a.password_hash != b.password_hash || a.tokens != b.tokens ||
         a.certificates != b.certificates;
}

}  // namespace

Result<std::optional<NodeKeys>> load_keys(const Settings& settings) {
  if (settings.mesh.key.empty()) return std::optional<NodeKeys>{};
  auto file = security::read_key_file(settings.mesh.key);
  if (!file) return refused("mesh.key", file.status().text());
  auto principals = security::Principals::load(settings.mesh.security);
  if (!principals) return refused("mesh.security", principals.status().text());
  auto status = security::check_own_key(*file, **principals, settings);
  if (status.ok()) status = check_peers(**principals, settings);
  if (!status.ok()) return status;
  return std::optional<NodeKeys>{NodeKeys{std::move(file->keys), *std::move(principals)}};
}

std::vector<std::string> changes_of(const NodeKeys& keys_before, const NodeKeys& keys_after) {
  const auto& before = *keys_before.principals;
  const auto& after = *keys_after.principals;
  std::vector<std::string> out;
  if (keys_before.own.public_key != keys_after.own.public_key) {
    out.push_back("the key of this node is now " + shown(keys_after.own.public_key));
  }
  for (const auto& [name, now] : after.all()) {
    const auto* old = before.find(name);
    if (old == nullptr) {
      out.push_back(titled(now) + " added");
      continue;
    }
    const auto let_in = [](const security::Principals& all, const security::Principal& one) {
      std::vector<security::PublicKey> keys = one.keys;
      std::erase_if(keys, [&](const auto& key) { return all.is_revoked(key); });
      std::ranges::sort(keys);
      return keys;
    };
    if (let_in(before, *old) != let_in(after, now)) out.push_back(titled(now) + " has other keys");
    if (may_differ(*old, now)) out.push_back(titled(now) + " has other rights");
    if (logs_in_otherwise(*old, now)) {
      out.push_back(titled(now) + " has other passwords, tokens or certificates");
    }
  }
  for (const auto& [name, old] : before.all()) {
    if (after.find(name) == nullptr) out.push_back(titled(old) + " removed");
  }
  if (before.anonymous().rights != after.anonymous().rights) {
    out.emplace_back("who has proved nothing has other rights");
  }
  return out;
}

}  // namespace kvmesh
