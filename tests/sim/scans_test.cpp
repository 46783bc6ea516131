// Scans of a bucket's keys, told by hand: what was there throughout must be seen.
#include <gtest/gtest.h>

#include "node/sim/scans.h"

namespace kvmesh::sim {
namespace {

constexpr NodeIndex kStore = 1;

// Requests 0 and 1 ask for the next page of bucket 0, 2 for the page after k1; 3 puts k1, 4 k2, 5
// erases k1, 6 creates the bucket.
class ScansTest : public ::testing::Test {
 protected:
  static Plan make_plan() {
    Plan plan;
    plan.nodes.resize(2);
    plan.nodes[0].name = *NodeName::parse("gate@sim");
    plan.nodes[kStore].name = *NodeName::parse("store@sim");
    plan.buckets = {"b"};
    const auto add = [&](Operation operation, std::uint16_t key) {
      Request request;
      request.operation = operation;
      request.key = key;
      request.value = 1;
      plan.requests.push_back(request);
    };
    add(Operation::kKeys, kNextPage);
    add(Operation::kKeys, kNextPage);
    add(Operation::kKeys, 1);
    add(Operation::kPut, 1);
    add(Operation::kPut, 2);
    add(Operation::kErase, 1);
    add(Operation::kCreate, 0);
    return plan;
  }

  void execute(std::uint32_t number) { (void)store_.execute({.request = &plan_.requests[number]}); }
  // Asks, makes a page of these keys, and answers.
  std::string page(std::uint32_t number, std::vector<std::uint16_t> keys, bool more) {
    (void)scans_.begin(number);
    execute(number);
    scans_.executed(number, kStore, store_, {std::move(keys), more});
    return scans_.answered(number, true, &store_);
  }

  Plan plan_ = make_plan();
  Shadow store_{plan_, kStore};
  Scans scans_{plan_};
};

TEST_F(ScansTest, GoOnAfterTheLastKey) {
  EXPECT_EQ(scans_.begin(0), std::nullopt);
  scans_.executed(0, kStore, store_, {{4}, true});
  EXPECT_EQ(scans_.answered(0, true, &store_), "");
  EXPECT_EQ(scans_.begin(1), 4);
  EXPECT_EQ(scans_.begin(2), 1);
}

TEST_F(ScansTest, BeginAnewAfterAnError) {
  page(0, {4}, true);
  EXPECT_EQ(scans_.begin(1), 4);
  scans_.answered(1, false, nullptr);
  EXPECT_EQ(scans_.begin(1), std::nullopt);
}

TEST_F(ScansTest, MissAKeyThatWasThereThroughout) {
  for (const auto number : {6U, 3U, 4U}) execute(number);
  EXPECT_EQ(page(0, {1}, true), "");
  EXPECT_NE(page(1, {}, false), "");
  EXPECT_EQ(scans_.judged(), 1U);
}

TEST_F(ScansTest, MayMissAKeyThatCame) {
  for (const auto number : {6U, 3U}) execute(number);
  EXPECT_EQ(page(0, {1}, true), "");
  execute(4);
  EXPECT_EQ(page(1, {}, false), "");
}

TEST_F(ScansTest, MayShowAKeyThatWent) {
  for (const auto number : {6U, 3U, 4U}) execute(number);
  EXPECT_EQ(page(0, {1}, true), "");
  execute(5);
  EXPECT_EQ(page(1, {2}, false), "");
}

TEST_F(ScansTest, MustNotShowAKeyThatHadGone) {
  for (const auto number : {6U, 3U, 4U, 5U}) execute(number);
  EXPECT_NE(page(0, {1, 2}, false), "");
}

}  // namespace
}  // namespace kvmesh::sim
