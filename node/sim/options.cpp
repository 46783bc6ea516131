#include "node/sim/options.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "node/sim/random.h"
#include "node/sim/scenario.h"
#include "node/sim/shapes.h"

namespace kvmesh::sim {
namespace {

constexpr std::uint32_t kRequestsDefault = 2000;
constexpr Micros kSecond{1000000};

std::vector<NodePlan> make_small_mesh(Random& random) {
  const auto place = random.below(10);
  if (place < 2) return make_chain(static_cast<std::uint32_t>(random.between(2, 20)));
  if (place < 5) return make_random(static_cast<std::uint32_t>(random.between(2, 10)), random);
  const auto levels = static_cast<std::uint32_t>(random.between(1, 4));
  const auto nodes = static_cast<std::uint32_t>(random.between(levels + 2, 24));
  const auto hash_level = static_cast<std::uint32_t>(random.between(1, 2 * levels));
  return make_tree(nodes, levels, hash_level);
}

std::vector<NodePlan> make_mesh(const RunOptions& options, Random& random) {
  if (options.nodes == 0) return make_small_mesh(random);
  switch (options.shape) {
    case RunOptions::Shape::kTree:
      return make_tree(options.nodes, options.levels);
    case RunOptions::Shape::kChain:
      return make_chain(options.nodes);
    case RunOptions::Shape::kRandom:
      return make_random(options.nodes, random);
  }
  return {};
}

// Some nodes have so little memory that they refuse writes.
void fill_stores(std::vector<NodePlan>& nodes, Random& random) {
  if (!random.chance(40)) return;
  for (auto& node : nodes) {
    if (random.chance(40)) node.memory_max = random.between(1000, 20000);
  }
}

// Some keep their buckets in an engine that answers late, loses what it was told, or its answers.
// By numbers of its own, so that a seed's mesh and faults do not depend on it.
void slow_engines(std::vector<NodePlan>& nodes, std::uint64_t seed) {
  Random random{seed ^ 0x51071e65};
  if (!random.chance(30)) return;
  for (auto& node : nodes) node.has_slow_engine = node.stores && random.chance(40);
}

// And some keep them on a disk. By numbers of its own, as well.
void durable_engines(std::vector<NodePlan>& nodes, std::uint64_t seed) {
  Random random{seed ^ 0xd15cd15c};
  if (!random.chance(40)) return;
  for (auto& node : nodes) {
    node.is_durable = node.stores && !node.has_slow_engine && random.chance(60);
    if (node.is_durable) node.memory_max = NodePlan{}.memory_max;  // its shadow goes by that
  }
}

// A bound would have to count what these take beside keys and values.
bool takes_batches(const Plan& plan) {
  constexpr std::size_t kMuch = std::size_t{64} << 20;
  return std::ranges::all_of(plan.nodes,
                             [](const NodePlan& node) { return node.memory_max >= kMuch; });
}

Status read_scenario_file(const std::string& path, Plan& plan) {
  std::ifstream in{path};
  if (!in) {
    return {StatusCode::kInvalidArgument, path + ": cannot be read; name a scenario file"};
  }
  std::ostringstream text;
  text << in.rdbuf();
  return read_scenario(text.str(), path, plan);
}

Status add_configured(const RunOptions& options, Plan& plan, std::vector<std::string>& notes) {
  std::vector<std::string> missing;
  auto nodes = read_mesh(options.configurations, missing);
  if (!nodes) return nodes.status();
  plan.nodes = *std::move(nodes);
  for (const auto& name : missing) {
    notes.push_back("there is no configuration of " + name + ": it never runs");
    plan.faults.push_back({Micros{0}, FaultKind::kKill, {*plan.find(name)}, {}, {}, {}});
  }
  return {};
}

}  // namespace

Result<Plan> make_plan(const RunOptions& options, std::uint64_t seed,
                       std::vector<std::string>& notes) {
  Plan plan;
  plan.seed = seed;
  Random random{seed};
  if (!options.configurations.empty()) {
    if (auto status = add_configured(options, plan, notes); !status.ok()) return status;
  }
  if (!options.scenario.empty()) {
    if (auto status = read_scenario_file(options.scenario, plan); !status.ok()) return status;
  }
  if (plan.nodes.empty()) {
    plan.nodes = make_mesh(options, random);
    if (options.trouble == Trouble::kMany) {
      fill_stores(plan.nodes, random);
      slow_engines(plan.nodes, seed);
      durable_engines(plan.nodes, seed);
    }
  }
  const bool given = !options.scenario.empty();
  const auto count = options.requests.value_or(plan.requests.empty() ? kRequestsDefault : 0);
  auto duration = options.duration;
  if (duration.count() == 0) {
    const auto trouble = given || options.trouble != Trouble::kNone;
    duration = trouble ? 20 * kSecond : std::max(2 * kSecond, count * kSecond / 50000);
    if (given && !plan.faults.empty())
      duration = std::max(duration, plan.faults.back().at + 10 * kSecond);
  }
  if (count > 0) {
    const auto own = std::exchange(plan.requests, {});
    add_workload(plan, count, duration, given ? Trouble::kNone : options.trouble, random);
    if (!given && options.trouble != Trouble::kNone && takes_batches(plan)) add_batches(plan);
    plan.requests.insert(plan.requests.end(), own.begin(), own.end());
    std::ranges::stable_sort(plan.requests, {}, &Request::at);
  }
  if (!given) add_faults(plan, duration, options.trouble, random);
  if (!given && options.trouble != Trouble::kNone) add_disk_faults(plan, duration);
  return plan;
}

}  // namespace kvmesh::sim
