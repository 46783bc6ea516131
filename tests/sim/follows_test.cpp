// What those are told who follow a bucket.
#include "node/sim/follows.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/wire/pack.h"

namespace kvmesh::sim {
namespace {

using What = store::Event::Kind;

// Request 0 makes the bucket, 1 to 3 put v1 to v3 under k1, 4 changes k1 and k2 together, 5 to 7
// follow.
class FollowsTest : public testing::Test {
 protected:
  struct Event {
    store::Revision rev;
    What kind;
    std::string key;
    std::string value{};
    std::optional<std::uint64_t> ttl_ms{};
  };

  FollowsTest() {
    plan_.nodes.resize(1);
    plan_.nodes[0].name = *NodeName::parse("store@sim");
    plan_.buckets = {"b"};
    Batch batch;
    batch.changes = {{store::Change::Kind::kPut, 1, 0, 50}, {store::Change::Kind::kPut, 2, 0, 0}};
    plan_.batches = {batch};
    for (const auto operation :
         {Operation::kCreate, Operation::kPut, Operation::kPut, Operation::kPut, Operation::kApply,
          Operation::kChanges, Operation::kChanges, Operation::kChanges}) {
      Request request;
      request.operation = operation;
      request.key = 1;
      request.value =
          operation == Operation::kChanges ? 0 : static_cast<std::uint32_t>(plan_.requests.size());
      plan_.requests.push_back(request);
    }
    shadow_.keep_history();
    (void)execute(0);
    EXPECT_EQ(follow(5, true, 1, {}), "");
  }

  Shadow::Answer execute(std::uint32_t number, store::Moment now = 1000) {
    return shadow_.execute({.request = &plan_.requests[number], .now = now});
  }
  std::string follow(std::uint32_t number, bool reset, store::Revision next,
                     const std::vector<Event>& events) {
    (void)follows_.begin(number);
    wire::Buffer out;
    wire::pack_array(out, 3);
    wire::pack_bool(out, reset);
    wire::pack_uint(out, next);
    wire::pack_array(out, events.size());
    for (const auto& event : events) {
      const bool can_end = event.kind == What::kPut || event.kind == What::kTouch;
      wire::pack_array(out, event.kind == What::kPut ? 5 : (can_end ? 4 : 3));
      wire::pack_uint(out, event.rev);
      wire::pack_uint(out, static_cast<std::uint64_t>(event.kind));
      wire::pack_bin(out, event.key);
      if (can_end) event.ttl_ms ? wire::pack_uint(out, *event.ttl_ms) : wire::pack_nil(out);
      if (event.kind == What::kPut) wire::pack_bin(out, event.value);
    }
    auto must = execute(number);
    const auto wrong = follows_.judge(number, 0, shadow_, must, out.view(), told_);
    follows_.answered(number, wrong.empty());
    return wrong;
  }

  Plan plan_;
  Shadow shadow_{plan_, 0};
  ToldRevisions told_;
  Follows follows_{plan_};
};

TEST_F(FollowsTest, AreToldEachChange) {
  (void)execute(1);
  (void)execute(2);
  EXPECT_EQ(follow(6, false, 3, {{2, What::kPut, "k1", "v1"}, {3, What::kPut, "k1", "v2"}}), "");
  (void)execute(3);
  EXPECT_EQ(follow(7, false, 4, {{4, What::kPut, "k1", "v3"}}), "");
  EXPECT_EQ(follows_.judged(), 3U);
}

TEST_F(FollowsTest, NoticeAGap) {
  (void)execute(1);
  (void)execute(2);
  EXPECT_NE(follow(6, false, 3, {{3, What::kPut, "k1", "v2"}}), "");
}

TEST_F(FollowsTest, NoticeAGapAtTheEnd) {
  (void)execute(1);
  (void)execute(2);
  EXPECT_NE(follow(6, false, 2, {{2, What::kPut, "k1", "v1"}}), "");
}

TEST_F(FollowsTest, NoticeWhatIsToldTwice) {
  (void)execute(1);
  EXPECT_EQ(follow(6, false, 2, {{2, What::kPut, "k1", "v1"}}), "");
  EXPECT_NE(follow(7, false, 2, {{2, What::kPut, "k1", "v1"}}), "");
}

TEST_F(FollowsTest, NoticeAChangeThatNobodyMade) {
  EXPECT_NE(follow(6, false, 2, {{2, What::kDelete, "k1"}}), "");
}

TEST_F(FollowsTest, AreNotToldToBeginAnewWithoutACause) { EXPECT_NE(follow(6, true, 2, {}), ""); }

TEST_F(FollowsTest, MayBeToldToBeginAnewWhenTheStoreWasLost) {
  shadow_.clear();
  (void)execute(0);
  EXPECT_EQ(follow(6, true, 2, {}), "");
}

TEST_F(FollowsTest, AreToldTogetherWhatWasChangedTogether) {
  (void)execute(4);
  plan_.requests[6].value = 1;
  EXPECT_NE(follow(6, false, 2, {{2, What::kPut, "k1", "v4", 50}}), "");
  plan_.requests[7].value = 1;
  EXPECT_EQ(follow(7, false, 2, {{2, What::kPut, "k1", "v4", 50}, {2, What::kPut, "k2", "v4"}}),
            "");
}

TEST_F(FollowsTest, AreToldThatAKeyExpired) {
  (void)execute(4);
  const Event first{2, What::kPut, "k1", "v4", 0};
  const Event second{2, What::kPut, "k2", "v4"};
  (void)execute(1, 1050);
  const Event end{3, What::kExpire, "k1"};
  const Event last{4, What::kPut, "k1", "v1"};
  EXPECT_NE(follow(6, false, 4, {first, second, last}), "");
  EXPECT_NE(follow(6, false, 4, {first, second, end, end, last}), "");
  EXPECT_NE(follow(6, false, 4, {first, second, last, end}), "") << "that one does not expire";
}

TEST_F(FollowsTest, AreToldOnce) {
  (void)execute(4);
  (void)execute(1, 1050);
  EXPECT_EQ(follow(6, false, 4,
                   {{2, What::kPut, "k1", "v4", 0},
                    {2, What::kPut, "k2", "v4"},
                    {3, What::kExpire, "k1"},
                    {4, What::kPut, "k1", "v1"}}),
            "");
}

}  // namespace
}  // namespace kvmesh::sim
