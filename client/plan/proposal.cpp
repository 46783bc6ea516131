#include "client/plan/proposal.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include <kvmesh/limits.h>

#include "common/routing_table.h"
#include "common/text.h"

namespace kvmesh::plan {
namespace {

using verify::MeshModel;
using verify::NameSet;

// The links between the nodes of a model, by their places in it.
class Links {
 public:
  explicit Links(const MeshModel& mesh) : mesh_(mesh), peers_(mesh.nodes.size()) {
    for (std::size_t i = 0; i < mesh.nodes.size(); ++i)
      places_.emplace(mesh.nodes[i].name.str(), i);
    dialled_by_.resize(mesh.nodes.size());
    for (std::size_t from = 0; from < mesh.nodes.size(); ++from) {
      for (const auto& peer : mesh.nodes[from].peers) {
        const auto to = places_.find(peer.name.str());
        if (to == places_.end() || peer.address.empty()) continue;
        peers_[from].push_back(to->second);
        dialled_by_[to->second].push_back(from);
      }
    }
  }

  // From each node the peer over which `owner` is nearest; the node itself at the owner. Empty
  // where there is no way.
  std::vector<std::optional<NodeName>> next_hops(const NodeName& owner) const {
    constexpr std::size_t kFar = SIZE_MAX;
    std::vector<std::size_t> hops(peers_.size(), kFar);
    std::deque<std::size_t> reached{places_.at(owner.str())};
    hops[reached.front()] = 0;
    while (!reached.empty()) {
      const auto at = reached.front();
      reached.pop_front();
      for (const auto from : dialled_by_[at]) {
        if (hops[from] != kFar) continue;
        hops[from] = hops[at] + 1;
        reached.push_back(from);
      }
    }
    std::vector<std::optional<NodeName>> out(peers_.size());
    for (std::size_t from = 0; from < peers_.size(); ++from) {
      if (hops[from] == 0) out[from] = owner;
      if (hops[from] == kFar) continue;
      for (const auto to : peers_[from]) {
        if (hops[to] + 1 == hops[from] && !out[from]) out[from] = mesh_.nodes[to].name;
      }
    }
    return out;
  }

 private:
  const MeshModel& mesh_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<std::vector<std::size_t>> peers_;
  std::vector<std::vector<std::size_t>> dialled_by_;
};

Result<NodeName> storing_node(const MeshModel& mesh, const std::string& name) {
  const auto* found = verify::find_node(mesh, name);
  if (found == nullptr) {
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

// What it says of first bytes that are not planned, then the entries by hash.
Result<RoutingTable> table_of(const verify::MeshNode& node, const RouteKeys& planned,
                              const std::map<NodeName, RouteKeys>& hashes) {
  std::vector<RouteEntry> entries;
  for (const auto& entry : node.table.entries()) {
    if (entry.range.is_by_hash()) continue;
    for (const auto run : runs_of(entry.range.keys() & ~planned))
      entries.push_back({run, entry.node});
  }
  const auto by_hash = static_cast<std::ptrdiff_t>(entries.size());
  for (const auto& [to, keys] : hashes) entries.push_back({RouteRange::of_hashes(keys), to});
  if (entries.size() > limits::kRoutingEntriesMax) {
    return Status{StatusCode::kInvalidArgument,
                  "the table of " + node.name.str() + " would have " +
                      std::to_string(entries.size()) + " entries, more than " +
                      std::to_string(limits::kRoutingEntriesMax) +
                      "; join some of its entries by first byte, or remove what never matches"};
  }
  std::ranges::sort(entries.begin() + by_hash, entries.end(), {},
                    [](const RouteEntry& entry) { return lowest_of(entry.range.keys()); });
  return RoutingTable{std::move(entries)};
}

}  // namespace

bool has_hashes(const MeshModel& mesh) {
  return std::ranges::any_of(mesh.nodes, [](const auto& node) { return node.table.has_hashes(); });
}

RouteKeys planned_bytes(const MeshModel& mesh, const verify::Report& report) {
  RouteKeys out;
  out.set();
  if (!has_hashes(mesh)) return out;
  for (const auto& ownership : report.owners) {
    const auto& table = verify::find_node(mesh, ownership.node)->table;
    out &= ~(ownership.names.first_bytes() & table.decided_bytes());
  }
  return out;
}

Before owners_now(const verify::Report& report, const RouteKeys& bytes,
                  const std::vector<Candidate>& candidates) {
  Before out;
  for (std::size_t slot = 0; slot < kSlots && bytes.any(); ++slot) {
    RouteKeys hashes;
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

Result<Proposal> propose(const MeshModel& mesh, const RouteKeys& bytes,
                         const std::vector<Candidate>& candidates, const After& owners) {
  const Links links{mesh};
  // By node of the model: which hashes go to whom next.
  std::vector<std::map<NodeName, RouteKeys>> next(mesh.nodes.size());
  for (std::size_t member = 0; member < candidates.size(); ++member) {
    const auto owner = storing_node(mesh, candidates[member].node);
    if (!owner) return owner.status();
    RouteKeys hashes;
    for (std::size_t slot = 0; slot < kSlots; ++slot) hashes.set(slot, owners[slot] == member);
    if (hashes.none()) continue;
    const auto hops = links.next_hops(*owner);
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
    auto table = table_of(mesh.nodes[i], bytes, next[i]);
    if (!table) return table.status();
    out.mesh.nodes[i].table = *std::move(table);
  }
  auto report = verify::verify(out.mesh);
  if (!report) return report.status();
  out.report = *std::move(report);
  return out;
}

}  // namespace kvmesh::plan
