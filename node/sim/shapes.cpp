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

class TreeMaker {
 public:
  TreeMaker(std::uint32_t levels, std::uint32_t branches) : levels_(levels), branches_(branches) {}

  std::vector<NodePlan> make(std::uint32_t nodes) {
    const auto top = children({0, 255}, "n", 1);
    // Those of level 1 pass what is not theirs straight to the sibling.
    for (const auto& own : top) {
      auto entries = nodes_[own.node].table.entries();
      for (const auto& other : top) add_entry(own.node, entries, other);
      nodes_[own.node].table = RoutingTable{std::move(entries)};
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
    ByteRange range;
    std::size_t node;
  };

  void add_entry(std::size_t to, std::vector<RouteEntry>& entries, const Part& part) {
    if (part.node == to) return;
    entries.push_back({part.range, nodes_[part.node].name});
    nodes_[to].peers.push_back(static_cast<NodeIndex>(part.node));
  }

  // Splits `range` over new nodes, and their parts over theirs.
  std::vector<Part> children(ByteRange range, const std::string& name, std::uint32_t level) {
    std::vector<Part> parts;
    const auto bytes = static_cast<std::uint32_t>(range.last - range.first + 1);
    for (std::uint32_t i = 0; i < branches_; ++i) {
      const auto first = static_cast<std::uint8_t>(range.first + bytes * i / branches_);
      const auto last = static_cast<std::uint8_t>(range.first + bytes * (i + 1) / branches_ - 1);
      const auto own = nodes_.size();
      const auto text = name + (level == 1 ? "" : ".") + std::to_string(i + 1);
      nodes_.emplace_back().name = node_name(text);
      const ByteRange part{first, last};
      parts.push_back({part, own});
      std::vector<RouteEntry> entries;
      if (level == levels_) {
        entries.push_back({part, nodes_[own].name});
      } else {
        nodes_[own].stores = false;
        for (const auto& child : children(part, text, level + 1)) {
          add_entry(own, entries, child);
          auto up = nodes_[child.node].table.entries();
          add_entry(child.node, up, {{0, 255}, own});
          nodes_[child.node].table = RoutingTable{std::move(up)};
        }
      }
      nodes_[own].table = RoutingTable{std::move(entries)};
    }
    return parts;
  }

  std::uint32_t levels_;
  std::uint32_t branches_;
  std::vector<NodePlan> nodes_;
};

}  // namespace

std::vector<NodePlan> make_tree(std::uint32_t nodes, std::uint32_t levels) {
  return TreeMaker{levels, branches_for(nodes, levels)}.make(nodes);
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
      entries.push_back({{std::min(a, b), std::max(a, b)}, to.name});
    }
    node.table = RoutingTable{std::move(entries)};
  }
  return out;
}

}  // namespace kvmesh::sim
