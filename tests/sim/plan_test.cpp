// Meshes that are made up, the walk through their tables, and leaving nodes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "node/sim/plan.h"
#include "node/sim/random.h"
#include "node/sim/shapes.h"
#include "node/sim/tables.h"

namespace kvmesh::sim {
namespace {

Plan plan_of(std::vector<NodePlan> nodes) {
  Plan plan;
  plan.nodes = std::move(nodes);
  return plan;
}

// The numbers of Blackman and Vigna's own code for the state that SplitMix64 makes of 1.
TEST(Random, IsTheSameEverywhere) {
  std::uint64_t seed = 1;
  EXPECT_EQ(Random::next_seed(seed), 0x910a2dec89025cc1U);
  Random random{1};
  EXPECT_EQ(random.next(), 0xb3f2af6d0fc710c5U);
  EXPECT_EQ(random.next(), 0x853b559647364ceaU);
}

TEST(Random, StaysInItsBounds) {
  Random random{7};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(random.below(3), 3U);
    const auto number = random.between(5, 6);
    EXPECT_TRUE(number == 5 || number == 6);
  }
  EXPECT_EQ(random.below(0), 0U);
}

TEST(Shapes, EveryByteOfATreeEndsAtOneStoreWhereverItEnters) {
  for (std::uint32_t levels = 1; levels <= 5; ++levels) {
    for (std::uint32_t hash_level = 1; hash_level <= levels + 1; ++hash_level) {
      const auto plan = plan_of(make_tree(400, levels, hash_level));
      EXPECT_EQ(plan.nodes.size(), 400U);
      const Tables tables{plan};
      for (unsigned byte = 0; byte < 256; byte += 5) {
        const Tables::Key key{static_cast<std::uint8_t>(byte), static_cast<std::uint8_t>(byte * 7)};
        const auto owner = tables.walk(0, key);
        ASSERT_EQ(owner.code, StatusCode::kOk);
        ASSERT_TRUE(plan.nodes[owner.node].stores);
        for (NodeIndex from = 0; from < plan.nodes.size(); ++from) {
          const auto end = tables.walk(from, key);
          ASSERT_EQ(end.code, StatusCode::kOk);
          ASSERT_EQ(end.node, owner.node);
        }
        EXPECT_EQ(tables.walk(399, key).hops, levels);  // a gate's
      }
    }
  }
}

TEST(Shapes, NamesAreUnique) {
  std::set<NodeName> names;
  for (const auto& node : make_tree(300, 3)) EXPECT_TRUE(names.insert(node.name).second);
}

TEST(Tables, AChainIsTooLongBehindSixteenHops) {
  const auto plan = plan_of(make_chain(18));
  const Tables tables{plan};
  EXPECT_EQ(tables.walk(0, {'a', 0}).code, StatusCode::kTooManyHops);
  EXPECT_EQ(tables.walk(1, {'a', 0}).code, StatusCode::kOk);
  EXPECT_EQ(tables.walk(1, {'a', 0}).hops, 16U);
}

TEST(Tables, NamesCirclesAndHoles) {
  auto plan = plan_of(make_chain(2));
  plan.nodes[1].peers = {0};
  plan.nodes[1].table = RoutingTable{{{ByteRange{'a', 'm'}, plan.nodes[0].name}}};
  const Tables tables{plan};
  EXPECT_EQ(tables.walk(0, {'a', 0}).code, StatusCode::kRouteLoop);
  EXPECT_EQ(tables.walk(0, {'z', 0}).code, StatusCode::kNoRoute);
  EXPECT_EQ(tables.walk(0, {'z', 0}).node, 1U);
}

TEST(Plan, LeavesOutNodesWithAllThatNamesThem) {
  auto plan = plan_of(make_chain(3));
  plan.buckets = {"a", "b"};
  for (NodeIndex node = 0; node < 3; ++node) {
    Request request;
    request.node = node;
    request.bucket = node == 2 ? 1 : 0;
    plan.requests.push_back(request);
  }
  plan.faults.push_back({Micros{1}, FaultKind::kKill, {1}, {}, {}, {}});
  plan.faults.push_back({Micros{2}, FaultKind::kPause, {1, 2}, {}, {}, {}});
  plan.faults.push_back({Micros{3}, FaultKind::kPartition, {1}, {2}, {}, {}});
  plan.faults.push_back({Micros{4}, FaultKind::kHeal, {}, {}, {}, {}});
  const auto less = plan.without_nodes({false, true, false}).without_unused_buckets();
  ASSERT_EQ(less.nodes.size(), 2U);
  EXPECT_EQ(less.nodes[1].name, plan.nodes[2].name);
  EXPECT_TRUE(less.nodes[0].peers.empty());
  EXPECT_TRUE(less.nodes[0].table.entries().empty());
  ASSERT_EQ(less.requests.size(), 2U);
  EXPECT_EQ(less.requests[1].node, 1U);
  EXPECT_EQ(less.buckets, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(less.faults.size(), 2U);
  EXPECT_EQ(less.faults[0].kind, FaultKind::kPause);
  EXPECT_THAT(less.faults[0].first, testing::ElementsAre(1U));
  EXPECT_EQ(less.faults[1].kind, FaultKind::kHeal);
}

TEST(Plan, IsCalmBeforeTheFirstFaultAndAWhileBehindTheLast) {
  auto plan = plan_of(make_chain(2));
  EXPECT_EQ(plan.calm().until, Micros::max());
  plan.faults.push_back({Micros{10}, FaultKind::kReload, {0}, {}, {}, {}});
  EXPECT_EQ(plan.calm().until, Micros::max());
  plan.faults.push_back({Micros{20}, FaultKind::kKill, {1}, {}, {}, {}});
  EXPECT_EQ(plan.calm().until, Micros{20});
  EXPECT_EQ(plan.calm().from, Micros::max());
  plan.faults.push_back({Micros{30}, FaultKind::kStart, {1}, {}, {}, {}});
  EXPECT_EQ(plan.calm().from, Micros{30} + std::chrono::seconds{5});
}

}  // namespace
}  // namespace kvmesh::sim
