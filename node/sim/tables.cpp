#include "node/sim/tables.h"

#include <algorithm>
#include <span>

namespace kvmesh::sim {

Tables::Tables(const Plan& plan) : plan_(plan), next_(plan.nodes.size()) {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    set(static_cast<NodeIndex>(i), plan.nodes[i].table);
  }
  versions_ = {};
}

void Tables::set(NodeIndex node, const RoutingTable& table) {
  const auto& own = plan_.nodes[node];
  std::array<std::uint32_t, 256> next{};
  next.fill(kNone);
  const auto& entries = table.entries();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    auto to = node;
    for (const auto peer : own.peers) {
      if (plan_.nodes[peer].name == entry->node) to = peer;
    }
    for (const auto& via : own.vias) {
      if (via.node == entry->node) to = own.peers[via.peer];
    }
    // Later entries were written first, so that the first one that holds a byte wins.
    for (std::size_t byte = entry->range.first; byte <= entry->range.last; ++byte) next[byte] = to;
  }
  auto& before = next_[node];
  for (std::size_t byte = 0; byte < next.size(); ++byte) {
    if (next[byte] != before[byte]) ++versions_[byte];
  }
  before = next;
}

Tables::End Tables::walk(NodeIndex from, std::uint8_t byte) const {
  std::array<NodeIndex, limits::kHopsMax> path{};
  End end{StatusCode::kOk, from, 0};
  while (true) {
    const auto next = next_[end.node][byte];
    if (next == kNone) {
      end.code = StatusCode::kNoRoute;
      return end;
    }
    if (next == end.node) return end;
    const auto passed = std::span{path}.first(end.hops);
    if (std::ranges::find(passed, end.node) != passed.end()) {
      end.code = StatusCode::kRouteLoop;
      return end;
    }
    if (end.hops == path.size()) {
      end.code = StatusCode::kTooManyHops;
      return end;
    }
    path[end.hops++] = end.node;
    end.node = next;
  }
}

std::vector<std::uint8_t> Tables::covered() const {
  std::vector<std::uint8_t> out;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto holds = [byte](const auto& next) { return next[byte] != kNone; };
    if (std::ranges::any_of(next_, holds)) out.push_back(static_cast<std::uint8_t>(byte));
  }
  return out;
}

}  // namespace kvmesh::sim
