#include "node/sim/tables.h"

#include <algorithm>
#include <span>

#include "common/route_hash.h"

namespace kvmesh::sim {

Tables::Tables(const Plan& plan) : plan_(plan), next_(plan.nodes.size()) {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    set(static_cast<NodeIndex>(i), plan.nodes[i].table);
  }
  byte_versions_ = {};
  hash_versions_ = {};
}

void Tables::set(NodeIndex node, const RoutingTable& table) {
  const auto& own = plan_.nodes[node];
  Next next;
  const auto& entries = table.entries();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    auto to = node;
    for (const auto peer : own.peers) {
      if (plan_.nodes[peer].name == entry->node) to = peer;
    }
    for (const auto& via : own.vias) {
      if (via.node == entry->node) to = own.peers[via.peer];
    }
    // Later entries were written first, so that the first one that holds a key wins.
    auto& by_key = entry->range.is_by_hash() ? next.by_hash : next.by_byte;
    for (std::size_t key = 0; key < by_key.size(); ++key) {
      if (entry->range.keys().test(key)) by_key[key] = to;
    }
  }
  auto& before = next_[node];
  for (std::size_t key = 0; key < 256; ++key) {
    if (next.by_byte[key] != before.by_byte[key]) ++byte_versions_[key];
    if (next.by_hash[key] != before.by_hash[key]) ++hash_versions_[key];
  }
  before = next;
}

std::optional<Tables::Key> Tables::key_of(std::string_view bucket) {
  if (bucket.empty()) return std::nullopt;
  return Key{static_cast<std::uint8_t>(bucket.front()), route_hash(bucket)};
}

Tables::End Tables::walk(NodeIndex from, Key key) const {
  std::array<NodeIndex, limits::kHopsMax> path{};
  End end{StatusCode::kOk, from, 0};
  while (true) {
    const auto found = next(end.node, key);
    if (!found) {
      end.code = StatusCode::kNoRoute;
      return end;
    }
    if (*found == end.node) return end;
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
    end.node = *found;
  }
}

std::vector<std::uint8_t> Tables::covered() const {
  std::vector<std::uint8_t> out;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto holds = [byte](const Next& next) {
      return next.by_byte[byte] != kNone ||
             std::ranges::any_of(next.by_hash, [](auto to) { return to != kNone; });
    };
    if (std::ranges::any_of(next_, holds)) out.push_back(static_cast<std::uint8_t>(byte));
  }
  return out;
}

}  // namespace kvmesh::sim
