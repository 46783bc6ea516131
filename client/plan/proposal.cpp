#include "client/plan/proposal.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "common/routing_table.h"
#include "common/text.h"

namespace kvmesh::plan {
namespace {

using verify::Bytes256;
using verify::MeshModel;
using verify::NameSet;

bool has_hashes(const MeshModel& mesh) {
  return std::ranges::any_of(mesh.nodes, [](const auto& node) { return node.table.has_hashes(); });
}

// From each node, in the order of the model, the peer over which `owner` is nearest; the node
// itself at the owner. Empty where there is no way.
using NextHops = std::vector<std::optional<NodeName>>;

NextHops next_hops(const MeshModel& mesh, const NodeName& owner) {
  constexpr std::size_t kFar = SIZE_MAX;
  const auto& nodes = mesh.nodes;
  const auto place_of = [&](const NodeName& name) {
    return static_cast<std::size_t>(std::ranges::find(nodes, name, &verify::MeshNode::name) -
                                    nodes.begin());
  };
  std::vector<std::vector<std::size_t>> dialled_by(nodes.size());
  for (std::size_t from = 0; from < nodes.size(); ++from) {
    for (const auto& peer : nodes[from].peers) {
      const auto to = place_of(peer.name);
      if (to < nodes.size() && !peer.address.empty()) dialled_by[to].push_back(from);
    }
  }
  std::vector<std::size_t> hops(nodes.size(), kFar);
  std::deque<std::size_t> reached{place_of(owner)};
  hops[reached.front()] = 0;
  while (!reached.empty()) {
    const auto at = reached.front();
    reached.pop_front();
    for (const auto from : dialled_by[at]) {
      if (hops[from] != kFar) continue;
      hops[from] = hops[at] + 1;
      reached.push_back(from);
    }
  }
  NextHops out(nodes.size());
  for (std::size_t from = 0; from < nodes.size(); ++from) {
    if (hops[from] == 0) out[from] = owner;
    if (hops[from] == kFar) continue;
    for (const auto& peer : nodes[from].peers) {
      const auto to = place_of(peer.name);
      const bool is_nearer =
          to < nodes.size() && !peer.address.empty() && hops[to] + 1 == hops[from];
      if (is_nearer && !out[from]) out[from] = peer.name;
    }
  }
  return out;
}

Result<NodeName> storing_node(const MeshModel& mesh, const std::string& name) {
  const auto found =
      std::ranges::find_if(mesh.nodes, [&](const auto& node) { return node.name.str() == name; });
  if (found == mesh.nodes.end()) {
    return Status{StatusCode::kInvalidArgument,
                  "the mesh has no node " + in_quotes(name) +
                      "; start it first, with a table that leads to the others, and let its peers "
                      "know it (config/README.md: To add a node)"};
  }
  if (!found->stores) {
    return Status{StatusCode::kInvalidArgument,
                  name + " stores nothing; add \"kv\" to its apps, or leave it out"};
  }
  return found->name;
}

// Its entries by first byte of names that are not planned, then those by hash.
RoutingTable table_of(const verify::MeshNode& node, bool keeps_bytes,
                      const std::map<NodeName, Bytes256>& hashes) {
  std::vector<RouteEntry> entries;
  for (const auto& entry : node.table.entries()) {
    if (keeps_bytes && !entry.range.is_by_hash()) entries.push_back(entry);
  }
  for (const auto& [to, keys] : hashes) entries.push_back({RouteRange::of_hashes(keys), to});
  const auto first_key = [](const RouteEntry& entry) {
    return runs_of(entry.range.keys()).front().first;
  };
  const auto by_hash = std::ranges::find_if(
      entries, [](const RouteEntry& entry) { return entry.range.is_by_hash(); });
  std::ranges::sort(by_hash, entries.end(), {}, first_key);
  return RoutingTable{std::move(entries)};
}

}  // namespace

Bytes256 planned_bytes(const MeshModel& mesh) {
  Bytes256 out;
  out.set();
  if (!has_hashes(mesh)) return out;
  for (const auto& node : mesh.nodes) {
    for (unsigned byte = 0; byte < out.size(); ++byte) {
      if (node.table.find(static_cast<std::uint8_t>(byte))) out.reset(byte);
    }
  }
  return out;
}

Before owners_now(const MeshModel& mesh, const verify::Report& report,
                  const std::vector<Candidate>& candidates) {
  const auto bytes = planned_bytes(mesh);
  Before out;
  for (std::size_t slot = 0; slot < kSlots && bytes.any(); ++slot) {
    Bytes256 hashes;
    hashes.set(slot);
    NameSet names;
    names.insert(bytes, hashes);
    for (const auto& ownership : report.owners) {
      if (common_to(names, ownership.names) != names) continue;
      const auto found = std::ranges::find(candidates, ownership.node, &Candidate::node);
      if (found == candidates.end()) continue;
      out[slot] = static_cast<std::uint32_t>(found - candidates.begin());
    }
  }
  return out;
}

Result<Proposal> propose(const MeshModel& mesh, const std::vector<Candidate>& candidates,
                         const After& owners) {
  // By node of the model: which hashes go to whom next.
  std::vector<std::map<NodeName, Bytes256>> next(mesh.nodes.size());
  for (std::size_t member = 0; member < candidates.size(); ++member) {
    const auto owner = storing_node(mesh, candidates[member].node);
    if (!owner) return owner.status();
    Bytes256 hashes;
    for (std::size_t slot = 0; slot < kSlots; ++slot) hashes.set(slot, owners[slot] == member);
    if (hashes.none()) continue;
    const auto hops = next_hops(mesh, *owner);
    for (std::size_t from = 0; from < next.size(); ++from) {
      if (!hops[from]) {
        return Status{StatusCode::kInvalidArgument,
                      "no way leads from " + mesh.nodes[from].name.str() + " to " + owner->str() +
                          " over peers; add " + owner->str() + " to its mesh.peers, and reload it"};
      }
      next[from][*hops[from]] |= hashes;
    }
  }
  Proposal out{mesh, {}};
  for (std::size_t i = 0; i < next.size(); ++i) {
    out.mesh.nodes[i].table = table_of(mesh.nodes[i], has_hashes(mesh), next[i]);
  }
  auto report = verify::verify(out.mesh);
  if (!report) return report.status();
  out.report = *std::move(report);
  return out;
}

}  // namespace kvmesh::plan
