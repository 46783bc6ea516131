#include <algorithm>
#include <utility>

#include "node/sim/timing.h"
#include "node/sim/workload.h"

namespace kvmesh::sim {
namespace {

// A node that stops may take a second, and can start again only then.
constexpr Micros kStopped{1200000};

class Troublemaker {
 public:
  Troublemaker(Plan& plan, Micros end, Random& random) : plan_(plan), end_(end), random_(random) {}

  void add_one(Micros at) {
    const auto place = random_.below(100);
    if (place < 20)
      return add_pair(at, FaultKind::kKill, FaultKind::kStart, 20 * kMilli, 2000 * kMilli);
    if (place < 38)
      return add_pair(at, FaultKind::kPause, FaultKind::kResume, kMilli, 2500 * kMilli);
    if (place < 53) return add_slow(at);
    if (place < 70) return add_cut(at);
    if (place < 75) return add_partition(at);
    if (place < 82) return add_throttle(at);
    if (place < 87) return add_reload(at);
    if (place < 92) return add_peers(at);
    add_pair(at, FaultKind::kStop, FaultKind::kStart, kStopped, 2 * kStopped);
  }

  // Whatever went on ends now.
  void finish() {
    std::vector<NodeIndex> all;
    for (NodeIndex i = 0; i < plan_.nodes.size(); ++i) all.push_back(i);
    add({end_, FaultKind::kHeal, {}, {}, {}, {}});
    // Those that stop at this moment have ended then.
    add({end_ + kStopped, FaultKind::kStart, all, {}, {}, {}});
    add({end_ + kStopped, FaultKind::kResume, all, {}, {}, {}});
    add({end_ + kStopped, FaultKind::kSlow, all, {}, Micros{0}, {}});
    for (const auto node : all) {
      const auto& own = plan_.nodes[node];
      add({end_ + kStopped, FaultKind::kPeers, {node}, own.peers, {}, own.table});
    }
    std::ranges::stable_sort(plan_.faults, {}, &Fault::at);
  }

 private:
  void add(Fault fault) { plan_.faults.push_back(std::move(fault)); }
  NodeIndex node() { return static_cast<NodeIndex>(random_.index(plan_.nodes.size())); }
  Micros later(Micros at, Micros low, Micros high) {
    return std::min(end_, at + random_.between(low, high));
  }

  void add_pair(Micros at, FaultKind begin, FaultKind end, Micros low, Micros high) {
    const std::vector<NodeIndex> one{node()};
    add({at, begin, one, {}, {}, {}});
    add({std::max(later(at, low, high), at + low), end, one, {}, {}, {}});
  }

  void add_slow(Micros at) {
    const std::vector<NodeIndex> one{node()};
    const auto amount = random_.chance(50) ? random_.between(kMilli / 10, 2 * kMilli)
                                           : random_.between(2 * kMilli, 60 * kMilli);
    add({at, FaultKind::kSlow, one, {}, amount, {}});
    add({later(at, 50 * kMilli, 2500 * kMilli), FaultKind::kSlow, one, {}, Micros{0}, {}});
  }

  void add_cut(Micros at) {
    std::vector<NodeIndex> others;
    const auto one = node();
    const bool all = random_.chance(30);
    for (NodeIndex i = 0; i < plan_.nodes.size(); ++i) {
      const auto& peers = plan_.nodes[one].peers;
      if (i != one && (all || std::ranges::find(peers, i) != peers.end())) others.push_back(i);
    }
    if (!others.empty()) add({at, FaultKind::kCut, {one}, others, {}, {}});
  }

  std::pair<std::vector<NodeIndex>, std::vector<NodeIndex>> two_sides() {
    std::pair<std::vector<NodeIndex>, std::vector<NodeIndex>> out;
    for (NodeIndex i = 0; i < plan_.nodes.size(); ++i) {
      (random_.chance(40) ? out.first : out.second).push_back(i);
    }
    return out;
  }

  // From a link that is merely busy to one that takes a second for a frame.
  void add_throttle(Micros at) {
    const auto [first, second] = two_sides();
    if (first.empty() || second.empty()) return;
    const auto rate =
        random_.chance(50) ? random_.between(300, 10000) : random_.between(10000, 200000);
    add({at, FaultKind::kThrottle, first, second, {}, {}, rate});
    add({later(at, 50 * kMilli, 4000 * kMilli),
         FaultKind::kThrottle,
         first,
         second,
         {},
         {},
         plan_.network.rate});
  }

  void add_partition(Micros at) {
    const auto [first, second] = two_sides();
    if (first.empty() || second.empty()) return;
    add({at, FaultKind::kPartition, first, second, {}, {}});
    add({later(at, 5 * kMilli, 2500 * kMilli), FaultKind::kHeal, {}, {}, {}, {}});
  }

  // Another table for a while: the same again, or with one entry that is gone or leads elsewhere.
  void add_reload(Micros at) {
    const auto one = node();
    const auto& own = plan_.nodes[one];
    auto entries = own.table.entries();
    if (!entries.empty() && random_.chance(70)) {
      const auto place = random_.index(entries.size());
      const auto way = random_.index(own.peers.size() + 2);
      if (way < own.peers.size()) {
        entries[place].node = plan_.nodes[own.peers[way]].name;
      } else if (way == own.peers.size()) {
        entries[place].node = own.name;
      } else {
        entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(place));
      }
    }
    add({at, FaultKind::kReload, {one}, {}, {}, RoutingTable{std::move(entries)}});
    add({later(at, 5 * kMilli, 2000 * kMilli), FaultKind::kReload, {one}, {}, {}, own.table});
  }

  // Some peers go for a while, and the entries that lead to them; others come at the same moment.
  void add_peers(Micros at) {
    const auto one = node();
    const auto& own = plan_.nodes[one];
    const auto times = random_.between(1, 4);
    for (std::uint64_t i = 0; i < times; ++i) {
      std::vector<NodeIndex> left;
      for (const auto peer : own.peers) {
        if (random_.chance(60)) left.push_back(peer);
      }
      add({at, FaultKind::kPeers, {one}, left, {}, without_others(own, left)});
      at = later(at, kMilli, 800 * kMilli);
    }
    add({at, FaultKind::kPeers, {one}, own.peers, {}, own.table});
  }

  RoutingTable without_others(const NodePlan& own, const std::vector<NodeIndex>& left) const {
    auto entries = own.table.entries();
    std::erase_if(entries, [&](const RouteEntry& entry) {
      const auto leads_there = [&](NodeIndex peer) { return plan_.nodes[peer].name == entry.node; };
      const auto leads_over = [&](const ViaPlan& via) {
        return via.node == entry.node && std::ranges::find(left, own.peers[via.peer]) != left.end();
      };
      return entry.node != own.name && std::ranges::none_of(left, leads_there) &&
             std::ranges::none_of(own.vias, leads_over);
    });
    return RoutingTable{std::move(entries)};
  }

  Plan& plan_;
  Micros end_;
  Random& random_;
};

void make_network_worse(NetworkPlan& network, Trouble trouble, Random& random) {
  network.delay = random.between(kMilli / 10, 5 * kMilli);
  network.jitter = random.between(Micros{0}, 5 * kMilli);
  if (trouble != Trouble::kMany) return;
  if (random.chance(30)) network.window_requests = random.between(1, 20);
  if (random.chance(30)) network.window_bytes = random.between(100, 4000);
  if (random.chance(50)) network.pipe_frames = static_cast<std::uint32_t>(random.between(1, 4));
  if (random.chance(50)) network.buffer_bytes = random.between(1000, 100000);
}

}  // namespace

void add_faults(Plan& plan, Micros duration, Trouble trouble, Random& random) {
  if (trouble == Trouble::kNone) return;
  make_network_worse(plan.network, trouble, random);
  const auto begin = duration / 20;
  const auto end = duration / 2;
  // So many a second, and more in a large mesh.
  const auto nodes = static_cast<std::int64_t>(plan.nodes.size());
  const auto each_second = (trouble == Trouble::kMany ? 4 : 1) + nodes / 200;
  const auto count = std::max<std::int64_t>(1, (end - begin).count() * each_second / 1000000);
  Troublemaker maker{plan, end, random};
  for (std::int64_t i = 0; i < count; ++i) maker.add_one(random.between(begin, end));
  maker.finish();
}

}  // namespace kvmesh::sim
