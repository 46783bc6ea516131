// The same seed gives the same run, and a scenario gives it too.
#include <gtest/gtest.h>

#include <set>

#include "node/sim/options.h"
#include "node/sim/scenario.h"
#include "node/sim/simulation.h"
#include "node/sim/story.h"

namespace kvmesh::sim {
namespace {

Plan plan_of_seed(std::uint64_t seed) {
  RunOptions options;
  options.trouble = Trouble::kMany;
  options.requests = 300;
  std::vector<std::string> notes;
  auto plan = make_plan(options, seed, notes);
  EXPECT_TRUE(plan.ok());
  return *std::move(plan);
}

TEST(Replay, ASeedGivesTheSameRun) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto first = run(plan_of_seed(seed));
    const auto second = run(plan_of_seed(seed));
    EXPECT_EQ(first.trace, second.trace) << "seed " << seed;
    EXPECT_EQ(first.events, second.events) << "seed " << seed;
    traces.insert(first.trace);
  }
  EXPECT_EQ(traces.size(), 20U);
}

TEST(Replay, AScenarioOfAPlanGivesTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto plan = plan_of_seed(seed);
    Plan again;
    const auto status = read_scenario(write_scenario(plan), "scenario", again);
    ASSERT_TRUE(status.ok()) << status.text();
    EXPECT_EQ(write_scenario(again), write_scenario(plan)) << "seed " << seed;
    EXPECT_EQ(run(again).trace, run(plan).trace) << "seed " << seed;
  }
}

TEST(Replay, ARunThatIsWrittenDownKeepsItsPromisesToo) {
  std::size_t stories = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RunOptions options;
    options.trouble = Trouble::kNone;
    options.requests = 20;
    options.nodes = 5;
    std::vector<std::string> notes;
    const auto plan = make_plan(options, seed, notes);
    ASSERT_TRUE(plan.ok());
    StoryWriter writer{*plan};
    const auto outcome = run(*plan, &writer);
    EXPECT_FALSE(outcome.violations.any());
    if (const auto story = writer.story("Told.")) {
      ++stories;
      EXPECT_TRUE(story->starts_with("# Told.\nnode "));
    }
  }
  EXPECT_EQ(stories, 0U);  // their buckets have bytes that no story can write
}

}  // namespace
}  // namespace kvmesh::sim
