// Nodes that do not let each other in, and what their ceilings keep from passing.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/verify/checks.h"
#include "common/rights.h"
#include "common/security/principals.h"

namespace kvmesh::verify {
namespace {

using security::Principal;
using security::Principals;
using security::Right;

Finding fault(std::vector<std::string> nodes, std::string what, std::string advice) {
  Finding out;
  out.kind = FindingKind::kKeys;
  out.nodes = std::move(nodes);
  out.what = std::move(what);
  out.advice = std::move(advice);
  return out;
}

bool share_a_key(const Principal& one, const Principal& other) {
  return std::ranges::any_of(one.keys, [&](const auto& key) {
    return std::ranges::find(other.keys, key) != other.keys.end();
  });
}

bool is_shut_out(const Principals& all, const Principal& one) {
  return !one.keys.empty() &&
         std::ranges::all_of(one.keys, [&](const auto& key) { return all.is_revoked(key); });
}

// Whether the two, of which one dials the other, can connect.
void check_link(const MeshNode& from, const MeshNode& to, std::vector<Finding>& out) {
  const auto both = std::vector{from.name.str(), to.name.str()};
  if ((from.principals == nullptr) != (to.principals == nullptr)) {
    const auto& with = from.principals != nullptr ? from : to;
    const auto& without = from.principals != nullptr ? to : from;
    out.push_back(fault(both,
                        with.name.str() + " has a key and " + without.name.str() +
                            " has none, so they do not connect",
                        "give all nodes keys (mesh.key, mesh.security), or none; " +
                            without.source + " names none"));
    return;
  }
  if (from.principals == nullptr) return;
  for (const auto& [one, other] : {std::pair{&from, &to}, std::pair{&to, &from}}) {
    const auto* there = one->principals->find(other->name.str());
    const auto* own = other->principals->find(other->name.str());
    if (there == nullptr) {
      out.push_back(fault(
          both,
          one->name.str() + " knows no key of " + other->name.str() + ", so they do not connect",
          "add [node.\"" + other->name.str() + "\"] to the security.toml of " + one->name.str() +
              ", best by copying the same file to all nodes"));
    } else if (is_shut_out(*one->principals, *there)) {
      out.push_back(fault(both,
                          one->name.str() + " has every key of " + other->name.str() +
                              " revoked, so they do not connect",
                          "make another one (kvmesh keygen " + other->name.str() +
                              ") and add it to [node.\"" + other->name.str() +
                              "\"] in the security.toml of all nodes, or remove the peer"));
    } else if (own != nullptr && !share_a_key(*there, *own)) {
      out.push_back(fault(both,
                          one->name.str() + " knows other keys of " + other->name.str() +
                              " than that one itself, so they do not connect",
                          "copy the same security.toml to all nodes"));
    }
  }
}

// The peers that a node's table leads requests for buckets to.
std::vector<const MeshNode*> next_hops(const MeshModel& model, const MeshNode& node) {
  std::vector<const MeshNode*> out;
  for (const auto& entry : node.table.entries()) {
    auto next = entry.node;
    const auto via = std::ranges::find(node.vias, next, &ViaSettings::node);
    if (via != node.vias.end()) next = via->peer;
    const auto* found = next == node.name ? nullptr : find_node(model, next.str());
    if (found != nullptr && std::ranges::find(out, found) == out.end()) out.push_back(found);
  }
  return out;
}

// What the next node lets pass through this one.
void check_ceiling(const MeshNode& node, const MeshNode& next, std::vector<Finding>& out) {
  if (next.principals == nullptr) return;
  const auto* known = next.principals->find(node.name.str());
  if (known == nullptr) return;
  std::vector<std::string> kept_back;
  if (!known->rights.may_anywhere(Right::kRead)) kept_back.emplace_back("read");
  if (!known->rights.may_anywhere(Right::kWrite)) kept_back.emplace_back("write");
  const bool vouches = known->may_vouch;
  if (vouches && kept_back.empty()) return;
  Finding finding;
  finding.kind = FindingKind::kCeiling;
  finding.nodes = {node.name.str(), next.name.str()};
  finding.what = node.name.str() + " passes requests on to " + next.name.str() + ", which " +
                 (vouches ? "lets it " + some_of(kept_back) + " nothing"
                          : std::string{"does not take its word for whom it asks"});
  finding.advice = vouches ? "widen the ceiling of " + node.name.str() +
                                 " in security.toml, unless that is meant so"
                           : "write vouch = true for " + node.name.str() +
                                 " in security.toml, unless that is meant so";
  out.push_back(std::move(finding));
}

// The first name that the two do not agree about; empty: they do.
std::string differing(const Principals& one, const Principals& other) {
  for (const auto* all : {&one, &other}) {
    const auto& against = all == &one ? other : one;
    for (const auto& [name, principal] : all->all()) {
      const auto* there = against.find(name);
      if (there == nullptr || !(*there == principal)) return name;
    }
  }
  if (one.anonymous() != other.anonymous()) return "anonymous";
  return one.revoked() == other.revoked() ? "" : "revoked";
}

void check_files(const MeshModel& model, std::vector<Finding>& out) {
  const MeshNode* first = nullptr;
  for (const auto& node : model.nodes) {
    if (node.principals == nullptr) continue;
    if (first == nullptr) {
      first = &node;
      continue;
    }
    const auto name = differing(*first->principals, *node.principals);
    if (name.empty()) continue;
    Finding finding;
    finding.kind = FindingKind::kPrincipals;
    finding.nodes = {first->name.str(), node.name.str()};
    finding.what = "the security.toml of " + node.name.str() + " says something else of " + name +
                   " than that of " + first->name.str();
    finding.advice = "copy the same file to all nodes";
    out.push_back(std::move(finding));
  }
}

}  // namespace

void find_key_faults(const Subject& subject, std::vector<Finding>& out) {
  const auto& model = subject.model;
  for (const auto& node : model.nodes) {
    for (const auto& peer : node.peers) {
      const auto* to = find_node(model, peer.name.str());
      // Once for two that are peers of each other.
      const bool is_mutual =
          to != nullptr &&
          std::ranges::find(to->peers, node.name, &PeerSettings::name) != to->peers.end();
      if (to != nullptr && (!is_mutual || node.name < to->name)) check_link(node, *to, out);
    }
    for (const auto* next : next_hops(model, node)) check_ceiling(node, *next, out);
  }
  check_files(model, out);
}

}  // namespace kvmesh::verify
