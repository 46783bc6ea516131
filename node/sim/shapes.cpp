#include "node/sim/shapes.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace kvmesh::sim {
namespace {

constexpr std::uint32_t kBranchesMax = 16;
constexpr std::uint32_t kStoresMax = 256;

NodeName node_name(const std::string& text) {
  auto name = NodeName::parse(text + "@sim");
  if (!name) std::abort();
  return *name;
}

// Nodes of all levels when each has `branches` children.
std::uint64_t tree_size(std::uint32_t branches, std::uint32_t levels) {
  std::uint64_t size = 0;
  std::uint64_t level = 1;
  for (std::uint32_t i = 0; i < levels; ++i) size += level *= branches;
  return size;
}

std::uint32_t branches_for(std::uint32_t nodes, std::uint32_t levels) {
  std::uint32_t branches = 1;
  while (branches < kBranchesMax && tree_size(branches + 1, levels) < nodes) {
    std::uint64_t leaves = 1;
    for (std::uint32_t i = 0; i < levels; ++i) leaves *= branches + 1;
    if (leaves > kStoresMax) break;
    ++branches;
  }
  return branches;
}

// Entries by hash behind all others.
RoutingTable table_of(std::vector<RouteEntry> entries) {
  std::stable_partition(entries.begin(), entries.end(),
                        [](const RouteEntry& entry) { return !entry.range.is_by_hash(); });
  return RoutingTable{std::move(entries)};
}

class TreeMaker {
 public:
  TreeMaker(std::uint32_t levels, std::uint32_t branches, std::uint32_t hash_level)
      : levels_(levels), branches_(branches), hash_level_(hash_level) {}

  std::vector<NodePlan> make(std::uint32_t nodes) {
    const auto top = children({0, 255}, RouteKeys{}.set(), "n", 1);
    // Those of level 1 pass what is not theirs straight to the sibling.
    for (const auto& own : top) {
      auto entries = nodes_[own.node].table.entries();
      for (const auto& other : top) add_entry(own.node, entries, other);
      nodes_[own.node].table = table_of(std::move(entries));
    }
    for (std::uint32_t gate = 1; nodes_.size() < nodes; ++gate) {
      auto& node = nodes_.emplace_back();
      node.name = node_name("gate" + std::to_string(gate));
      node.stores = false;
      std::vector<RouteEntry> entries;
      for (const auto& other : top) add_entry(nodes_.size() - 1, entries, other);
      node.table = RoutingTable{std::move(entries)};
    }
    return std::move(nodes_);
  }

 private:
  struct Part {
    RouteRange range;
    std::size_t node;
  };

  void add_entry(std::size_t to, std::vector<RouteEntry>& entries, const Part& part) {
    if (part.node == to) return;
    entries.push_back({part.range, nodes_[part.node].name});
    nodes_[to].peers.push_back(static_cast<NodeIndex>(part.node));
  }

  // What is not its own goes to its parent. Other bytes go there first where hashes divide its own:
  // an entry for all bytes would stand before these.
  void add_way_up(std::size_t child, const RouteKeys& bytes, std::size_t parent,
                  std::uint32_t level) {
    auto entries = nodes_[child].table.entries();
    const bool divides_hashes = level + 1 >= hash_level_;
    if (divides_hashes) {
      for (const auto range : runs_of(~bytes)) entries.push_back({range, nodes_[parent].name});
    }
    if (!divides_hashes || level >= hash_level_) {
      entries.push_back({range_of({}, level), nodes_[parent].name});
    }
    nodes_[child].peers.push_back(static_cast<NodeIndex>(parent));
    nodes_[child].table = table_of(std::move(entries));
  }

  RouteRange range_of(ByteRange keys, std::uint32_t level) const {
    if (level < hash_level_) return keys;
    return RouteRange::of_hashes(RouteRange{keys}.keys());
  }

  // Splits `range` over new nodes, and their parts over theirs.
  std::vector<Part> children(ByteRange range, const RouteKeys& bytes_above, const std::string& name,
                             std::uint32_t level) {
    if (level == hash_level_) range = {};
    std::vector<Part> parts;
    const auto keys = static_cast<std::uint32_t>(range.last - range.first + 1);
    for (std::uint32_t i = 0; i < branches_; ++i) {
      const auto first = static_cast<std::uint8_t>(range.first + keys * i / branches_);
      const auto last = static_cast<std::uint8_t>(range.first + keys * (i + 1) / branches_ - 1);
      const auto own = nodes_.size();
      const auto text = name + (level == 1 ? "" : ".") + std::to_string(i + 1);
      nodes_.emplace_back().name = node_name(text);
      const ByteRange part{first, last};
      parts.push_back({range_of(part, level), own});
      const auto bytes = level < hash_level_ ? parts.back().range.keys() : bytes_above;
      std::vector<RouteEntry> entries;
      if (level == levels_) {
        entries.push_back({range_of(part, level), nodes_[own].name});
      } else {
        nodes_[own].stores = false;
        for (const auto& child : children(part, bytes, text, level + 1)) {
          add_entry(own, entries, child);
          add_way_up(child.node, child.range.is_by_hash() ? bytes : child.range.keys(), own,
                     level + 1);
        }
      }
      nodes_[own].table = RoutingTable{std::move(entries)};
    }
    return parts;
  }

  std::uint32_t levels_;
  std::uint32_t branches_;
  std::uint32_t hash_level_;
  std::vector<NodePlan> nodes_;
};

}  // namespace

std::vector<NodePlan> make_tree(std::uint32_t nodes, std::uint32_t levels,
                                std::uint32_t hash_level) {
  return TreeMaker{levels, branches_for(nodes, levels), hash_level}.make(nodes);
}

std::vector<NodePlan> make_chain(std::uint32_t nodes) {
  std::vector<NodePlan> out(nodes);
  for (std::uint32_t i = 0; i < nodes; ++i) out[i].name = node_name("n" + std::to_string(i));
  for (std::uint32_t i = 0; i < nodes; ++i) {
    const auto next = std::min(i + 1, nodes - 1);
    out[i].stores = next == i;
    if (next != i) out[i].peers.push_back(next);
    out[i].table = RoutingTable{{{ByteRange{}, out[next].name}}};
  }
  return out;
}

std::vector<NodePlan> make_random(std::uint32_t nodes, Random& random) {
  std::vector<NodePlan> out(nodes);
  for (std::uint32_t i = 0; i < nodes; ++i) out[i].name = node_name("n" + std::to_string(i));
  for (std::uint32_t i = 0; i < nodes; ++i) {
    auto& node = out[i];
    node.stores = random.chance(70);
    for (auto wanted = random.between(1, 4); wanted > 0; --wanted) {
      const auto peer = static_cast<NodeIndex>(random.index(nodes));
      if (peer != i && std::ranges::find(node.peers, peer) == node.peers.end()) {
        node.peers.push_back(peer);
      }
    }
    std::vector<RouteEntry> entries;
    for (auto wanted = random.between(1, 6); wanted > 0; --wanted) {
      const auto a = static_cast<std::uint8_t>(random.below(256));
      const auto b = static_cast<std::uint8_t>(random.below(256));
      const auto way = random.index(node.peers.size() + 1);
      const auto& to = way == node.peers.size() ? node : out[node.peers[way]];
      const RouteRange range{ByteRange{std::min(a, b), std::max(a, b)}};
      entries.push_back({random.chance(20) ? RouteRange::of_hashes(range.keys()) : range, to.name});
    }
    node.table = table_of(std::move(entries));
  }
  return out;
}

}  // namespace kvmesh::sim
