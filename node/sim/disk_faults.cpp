#include <algorithm>

#include "node/sim/timing.h"
#include "node/sim/workload.h"

namespace kvmesh::sim {

void add_disk_faults(Plan& plan, Micros duration) {
  Random random{plan.seed ^ 0xfa17d15c};
  const auto begin = duration / 20;
  const auto end = duration / 2;
  const auto add = [&](Micros at, FaultKind kind, NodeIndex node) {
    plan.faults.push_back({std::min(at, end), kind, {node}, {}, {}, {}});
  };
  for (NodeIndex i = 0; i < plan.nodes.size(); ++i) {
    if (!plan.nodes[i].is_durable) continue;
    for (auto times = random.between(1, 4); times > 0; --times) {
      auto at = random.between(begin, end);
      if (random.chance(40)) {
        add(at, FaultKind::kFailSync, i);
        at += random.between(kMilli, 1000 * kMilli);
      }
      add(at, FaultKind::kKill, i);
      add(at + random.between(kMilli, 500 * kMilli), FaultKind::kStart, i);
    }
  }
  std::ranges::stable_sort(plan.faults, {}, &Fault::at);
}

}  // namespace kvmesh::sim
