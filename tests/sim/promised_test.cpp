// What the disk of a durable node must have when it ends, and what it may have.
#include "node/sim/promised.h"

#include <gtest/gtest.h>

#include <vector>

namespace kvmesh::sim {
namespace {

using Kind = store::Change::Kind;

// Executions 1 to 4: makes the bucket, puts v1 under k1, changes k1 and k2 together, erases k1.
class PromisedTest : public testing::Test {
 protected:
  static constexpr store::Moment kNow = 1000;

  PromisedTest() {
    plan_.nodes.resize(1);
    plan_.nodes[0].name = *NodeName::parse("store@sim");
    plan_.buckets = {"b"};
    Batch batch;
    batch.changes = {{Kind::kPut, 1, 0, 0}, {Kind::kPut, 2, 0, 50}};
    batch.once = 7;
    plan_.batches = {batch};
    for (const auto operation :
         {Operation::kCreate, Operation::kPut, Operation::kApply, Operation::kErase}) {
      Request request;
      request.operation = operation;
      request.key = 1;
      request.value = static_cast<std::uint32_t>(plan_.requests.size());
      plan_.requests.push_back(request);
    }
    disk_.buckets["b"] = {};
  }

  void execute(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Execution execution{.request = &plan_.requests[i], .now = kNow};
      promised_.executed(execution);
      (void)shadow_.execute(execution);
    }
  }
  void put(const std::string& key, const std::string& value, store::Moment expires = 0) {
    disk_.buckets["b"].records[key] = {value, 1, expires};
  }
  std::string crash(store::Moment now = kNow) { return promised_.crashed(disk_, now, shadow_); }
  std::size_t keys() const { return shadow_.buckets().at(0).keys.size(); }

  Plan plan_;
  Promised promised_{plan_, 0};
  Shadow shadow_{plan_, 0};
  SimDisk::Content disk_;
};

TEST_F(PromisedTest, WhatWasToldIsThere) {
  execute(2);
  promised_.told(2);
  EXPECT_NE(crash(), "");
}

TEST_F(PromisedTest, WhatNobodyWasToldOfMayBeGone) {
  execute(2);
  promised_.told(1);
  EXPECT_EQ(crash(), "");
  EXPECT_EQ(keys(), 0U);
}

TEST_F(PromisedTest, WhatNobodyWasToldOfMayBeThere) {
  execute(2);
  promised_.told(1);
  put("k1", "v1");
  EXPECT_EQ(crash(), "");
  EXPECT_EQ(keys(), 1U);
}

TEST_F(PromisedTest, WhatWasChangedTogetherIsThereTogether) {
  execute(3);
  promised_.told(2);
  put("k1", "v2");
  EXPECT_NE(crash(), "");
}

TEST_F(PromisedTest, ItsAnswerToACallToExecuteOnceIsThereWithIt) {
  execute(3);
  put("k1", "v2");
  put("k2", "v2", kNow + 50);
  EXPECT_NE(crash(), "");
  disk_.buckets["b"].notes[once_text(7)] = "";
  EXPECT_EQ(crash(), "");
}

TEST_F(PromisedTest, WhatCameLaterIsNotThereWithoutWhatCameBefore) {
  execute(4);
  put("k2", "v2", kNow + 50);
  EXPECT_NE(crash(), "") << "without the answer";
  disk_.buckets["b"].notes[once_text(7)] = "";
  EXPECT_EQ(crash(), "");
  EXPECT_EQ(keys(), 1U);
}

TEST_F(PromisedTest, NothingElseIsThere) {
  execute(2);
  put("k1", "v1");
  put("k5", "v5");
  EXPECT_NE(crash(), "");
  disk_.buckets["b"].records.erase("k5");
  disk_.buckets["c"] = {};
  EXPECT_NE(crash(), "");
}

TEST_F(PromisedTest, WhatHasExpiredMayBeGone) {
  execute(3);
  promised_.told(3);
  put("k1", "v2");
  disk_.buckets["b"].notes[once_text(7)] = "";
  EXPECT_NE(crash(kNow + 49), "");
  EXPECT_EQ(crash(kNow + 50), "");
  EXPECT_EQ(keys(), 1U) << "it does not come back";
}

TEST_F(PromisedTest, ATimeToLiveIsThatOfTheChange) {
  execute(3);
  promised_.told(3);
  put("k1", "v2");
  put("k2", "v2", kNow + 51);
  disk_.buckets["b"].notes[once_text(7)] = "";
  EXPECT_NE(crash(), "");
}

}  // namespace
}  // namespace kvmesh::sim
