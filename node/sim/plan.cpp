#include "node/sim/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "common/functions.h"

namespace kvmesh::sim {
namespace {

constexpr std::array<const functions::Function*, kOperationCount> kFunctions = {
    &functions::kKvCreate, &functions::kKvPut,   &functions::kKvGet,    &functions::kKvDelete,
    &functions::kKvDrop,   &functions::kKvCount, &functions::kNodeName, &functions::kKvKeys,
    &functions::kKvRead,   &functions::kKvApply, &functions::kKvScan,   &functions::kKvChanges};
// What a link that was lost may take to come back: it notices, waits between attempts, and one
// attempt may hang.
constexpr std::chrono::seconds kRecovery{5};

// What becomes of indices when some nodes go.
class Removal {
 public:
  Removal(const std::vector<NodePlan>& nodes, const std::vector<bool>& gone)
      : place_(nodes.size()) {
    NodeIndex next = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      place_[i] = gone[i] ? kGone : next++;
      if (gone[i]) names_.insert(nodes[i].name);
    }
  }

  bool is_gone(NodeIndex node) const { return place_[node] == kGone; }
  NodeIndex place(NodeIndex node) const { return place_[node]; }

  void from(std::vector<NodeIndex>& nodes) const {
    std::erase_if(nodes, [this](NodeIndex node) { return is_gone(node); });
    for (auto& node : nodes) node = place_[node];
  }
  RoutingTable from(const RoutingTable& table, const std::set<NodeName>& behind) const {
    auto entries = table.entries();
    std::erase_if(entries, [&](const RouteEntry& entry) {
      return names_.contains(entry.node) || behind.contains(entry.node);
    });
    return RoutingTable{std::move(entries)};
  }
  // Nodes that are reached by a via over one that goes; these vias go as well.
  std::set<NodeName> from_vias(NodePlan& node) const {
    std::set<NodeName> behind;
    std::vector<std::uint16_t> new_place(node.peers.size());
    std::uint16_t next = 0;
    for (std::size_t i = 0; i < node.peers.size(); ++i) {
      new_place[i] = next;
      next = static_cast<std::uint16_t>(next + (is_gone(node.peers[i]) ? 0 : 1));
    }
    for (const auto& via : node.vias) {
      if (is_gone(node.peers[via.peer])) behind.insert(via.node);
    }
    std::erase_if(node.vias, [&](const ViaPlan& via) { return behind.contains(via.node); });
    for (auto& via : node.vias) via.peer = new_place[via.peer];
    return behind;
  }

 private:
  static constexpr NodeIndex kGone = ~NodeIndex{0};
  std::vector<NodeIndex> place_;
  std::set<NodeName> names_;
};

}  // namespace

std::string_view function_of(Operation operation) {
  return kFunctions[static_cast<std::size_t>(operation)]->name;
}

std::optional<Operation> operation_of(std::string_view function) {
  const auto* found = std::ranges::find(kFunctions, function, &functions::Function::name);
  if (found == kFunctions.end()) return std::nullopt;
  return static_cast<Operation>(found - kFunctions.begin());
}

bool is_two_sided(FaultKind kind) {
  return kind == FaultKind::kCut || kind == FaultKind::kPartition || kind == FaultKind::kThrottle;
}

bool has_key(Operation operation) {
  return operation == Operation::kPut || operation == Operation::kGet ||
         operation == Operation::kErase;
}

std::string key_text(std::uint16_t key) { return "k" + std::to_string(key); }

std::string once_text(std::uint32_t once) {
  auto text = std::to_string(once);
  text.insert(0, limits::kOnceIdBytes - text.size(), '0');
  return text;
}

std::string value_text(std::uint32_t value, std::uint32_t value_bytes) {
  auto text = "v" + std::to_string(value);
  if (text.size() < value_bytes) text.resize(value_bytes, '.');
  return text;
}

std::optional<NodeIndex> Plan::find(std::string_view name) const {
  const auto found = std::ranges::find(
      nodes, name, [](const NodePlan& node) -> std::string_view { return node.name.str(); });
  if (found == nodes.end()) return std::nullopt;
  return static_cast<NodeIndex>(found - nodes.begin());
}

Plan Plan::without_nodes(const std::vector<bool>& gone) const {
  const Removal removal{nodes, gone};
  Plan out;
  out.seed = seed;
  out.network = network;
  out.buckets = buckets;
  out.batches = batches;
  std::vector<std::set<NodeName>> behind(nodes.size());
  for (NodeIndex i = 0; i < nodes.size(); ++i) {
    if (removal.is_gone(i)) continue;
    auto& node = out.nodes.emplace_back(nodes[i]);
    behind[i] = removal.from_vias(node);
    removal.from(node.peers);
    node.table = removal.from(node.table, behind[i]);
  }
  for (const auto& request : requests) {
    if (removal.is_gone(request.node)) continue;
    out.requests.push_back(request);
    out.requests.back().node = removal.place(request.node);
  }
  for (const auto& fault : faults) {
    auto left = fault;
    if (fault.kind == FaultKind::kReload || fault.kind == FaultKind::kPeers)
      left.table = removal.from(fault.table, behind[fault.first[0]]);
    removal.from(left.first);
    removal.from(left.second);
    const bool two_sided = is_two_sided(fault.kind);
    const bool empty = left.first.empty() || (two_sided && left.second.empty());
    if (fault.kind == FaultKind::kHeal || !empty) out.faults.push_back(std::move(left));
  }
  return out;
}

Plan Plan::without_unused_buckets() const {
  Plan out = *this;
  out.buckets.clear();
  std::map<std::uint32_t, std::uint32_t> places;
  for (auto& request : out.requests) {
    const auto next = static_cast<std::uint32_t>(out.buckets.size());
    const auto [place, is_new] = places.emplace(request.bucket, next);
    if (is_new) out.buckets.push_back(buckets[request.bucket]);
    request.bucket = place->second;
  }
  return out;
}

Plan::Calm Plan::calm() const {
  // What such an engine loses may be anybody's, at any time.
  if (std::ranges::any_of(nodes, &NodePlan::has_slow_engine)) return {Micros{0}, Micros::max()};
  Calm out;
  std::set<NodeIndex> unwell;
  bool parted = false;
  Micros last{};
  for (const auto& fault : faults) {
    if (fault.kind == FaultKind::kReload) continue;
    out.until = std::min(out.until, fault.at);
    last = fault.at;
    switch (fault.kind) {
      case FaultKind::kPartition:
      case FaultKind::kThrottle:
        parted = true;
        break;
      case FaultKind::kHeal:
        parted = false;
        break;
      case FaultKind::kStart:
      case FaultKind::kResume:
        for (const auto node : fault.first) unwell.erase(node);
        break;
      case FaultKind::kSlow:
        for (const auto node : fault.first) {
          if (fault.amount.count() == 0) {
            unwell.erase(node);
          } else {
            unwell.insert(node);
          }
        }
        break;
      case FaultKind::kKill:
      case FaultKind::kFailSync:
      case FaultKind::kStop:
      case FaultKind::kPause:
        unwell.insert(fault.first.begin(), fault.first.end());
        break;
      default:
        break;
    }
  }
  if (!parted && unwell.empty()) out.from = faults.empty() ? Micros{} : last + kRecovery;
  return out;
}

}  // namespace kvmesh::sim
