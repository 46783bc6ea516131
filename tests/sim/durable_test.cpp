// Nodes with a disk, from a scenario to the oracle's report.
#include <gtest/gtest.h>

#include <string>

#include "node/sim/scenario.h"
#include "node/sim/simulation.h"

namespace kvmesh::sim {
namespace {

RunResult play(const std::string& text) {
  Plan plan;
  const auto status = read_scenario(text, "scenario", plan);
  EXPECT_TRUE(status.ok()) << status.text();
  return run(plan);
}

std::uint64_t answers(const RunResult& result, StatusCode code) {
  return result.figures.by_status[static_cast<std::size_t>(code)];
}

const std::string kOneNode = R"(seed 1
node a@h stores durable
table a@h *=a@h
at 100ms ask a@h b kv.create
)";

TEST(Durable, WhatWasToldOutlivesTheProcess) {
  const auto result = play(kOneNode + R"(
at 1s ask a@h b kv.put k1 v1
at 4s kill a@h
at 5s start a@h
at 6s ask a@h b kv.get k1
)");
  EXPECT_FALSE(result.violations.any()) << result.violations.found()[0].text;
  EXPECT_EQ(answers(result, StatusCode::kOk), 3U);
  EXPECT_EQ(result.figures.crashes, 2U) << "the kill, and the end of the run";
}

TEST(Durable, ADiskThatFailsTakesNothingAndIsRead) {
  const auto result = play(kOneNode + R"(
at 1s ask a@h b kv.put k1 v1
at 4s fail_sync a@h
at 5s ask a@h b kv.put k1 v2
at 5s ask a@h b kv.get k1
at 6s kill a@h
at 7s start a@h
at 8s ask a@h b kv.put k1 v3
)");
  EXPECT_FALSE(result.violations.any()) << result.violations.found()[0].text;
  EXPECT_EQ(answers(result, StatusCode::kUnavailable), 1U);
  EXPECT_EQ(answers(result, StatusCode::kOk), 4U);
}

TEST(Durable, WhatWaitsForADiskThatFailsIsUnknown) {
  const auto result = play(kOneNode + R"(
at 4s ask a@h b kv.put k1 v1
at 4000001us fail_sync a@h
)");
  EXPECT_FALSE(result.violations.any()) << result.violations.found()[0].text;
  EXPECT_EQ(answers(result, StatusCode::kOutcomeUnknown), 1U);
}

TEST(Durable, ChecksChangesAndThoseWhoFollowGoOnAfterAStart) {
  const auto result = play(kOneNode + R"(
at 1s ask a@h b kv.changes
at 2s ask a@h b kv.apply v7 absent=k1 put=k1 add=k6:5:10s once=1
at 3s ask a@h b kv.changes v10 wait=100ms
at 4s kill a@h
at 5s start a@h
at 6s ask a@h b kv.apply v7 absent=k1 put=k1 add=k6:5:10s once=1
at 6s ask a@h b kv.apply v8 if=k1 touch=k1:1s delete=k6
at 7s ask a@h b kv.read k1 k6
at 9s ask a@h b kv.read k1 k6
at 9s ask a@h b kv.changes
)");
  EXPECT_FALSE(result.violations.any()) << result.violations.found()[0].text;
  EXPECT_EQ(answers(result, StatusCode::kOk), 9U);
  EXPECT_EQ(result.figures.changes, 2U);
}

}  // namespace
}  // namespace kvmesh::sim
