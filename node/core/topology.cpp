#include "node/core/topology.h"

#include <algorithm>

namespace kvmesh::core {

std::vector<NodeName> placed(const std::vector<NodeName>& before,
                             const std::vector<NodeName>& peers) {
  auto out = before;
  for (auto& place : out) {
    if (std::ranges::find(peers, place) == peers.end()) place = NodeName{};
  }
  for (const auto& peer : peers) {
    if (std::ranges::find(out, peer) != out.end()) continue;
    const auto free = std::ranges::find(out, NodeName{});
    free == out.end() ? out.push_back(peer) : static_cast<void>(*free = peer);
  }
  return out;
}

}  // namespace kvmesh::core
