// Answers to kv.read and kv.apply, held against what is stored.
#include "node/sim/judge.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "common/wire/pack.h"

namespace kvmesh::sim {
namespace {

using Kind = store::Change::Kind;

// Request 0 makes the bucket, 1 puts v1 under k1, 2 reads k1 and k2, 3 adds 5 to k2 for 50 ms if k1
// is as it was told last, 4 is a put of v4 under k1, 5 counts.
class JudgeTest : public testing::Test {
 protected:
  static constexpr store::Moment kNow = 1000;

  JudgeTest() {
    plan_.nodes.resize(1);
    plan_.nodes[0].name = *NodeName::parse("store@sim");
    plan_.buckets = {"b"};
    Batch read;
    read.keys = {1, 2};
    Batch apply;
    apply.checks = {{1, false}};
    apply.changes = {{Kind::kAdd, 2, 5, 50}};
    plan_.batches = {read, apply};
    for (const auto operation : {Operation::kCreate, Operation::kPut, Operation::kRead,
                                 Operation::kApply, Operation::kPut, Operation::kCount}) {
      Request request;
      request.operation = operation;
      request.key = 1;
      request.value = static_cast<std::uint32_t>(plan_.requests.size());
      request.batch = operation == Operation::kApply ? 1 : 0;
      plan_.requests.push_back(request);
    }
    for (const auto number : {0U, 1U}) (void)execute(number);
  }

  Shadow::Answer execute(std::uint32_t number, store::Moment now = kNow,
                         std::vector<store::Revision> checks = {}) {
    return shadow_.execute({.request = &plan_.requests[number],
                            .now = now,
                            .checks = std::move(checks),
                            .told = &told_});
  }
  std::string judge(std::uint32_t number, const Shadow::Answer& must, const wire::Buffer& answer,
                    StatusCode code = StatusCode::kOk) {
    return sim::judge(plan_.requests[number], must, code, answer.view(), told_);
  }

  struct Entry {
    store::Revision rev;
    std::string value;
    std::optional<std::uint64_t> ttl_ms{};
  };
  static wire::Buffer read(store::Revision rev, const std::vector<std::optional<Entry>>& entries) {
    wire::Buffer out;
    wire::pack_array(out, 2);
    wire::pack_uint(out, rev);
    wire::pack_array(out, entries.size());
    for (const auto& entry : entries) {
      if (!entry) {
        wire::pack_nil(out);
        continue;
      }
      wire::pack_array(out, 3);
      wire::pack_uint(out, entry->rev);
      wire::pack_bin(out, entry->value);
      entry->ttl_ms ? wire::pack_uint(out, *entry->ttl_ms) : wire::pack_nil(out);
    }
    return out;
  }
  static wire::Buffer added(store::Revision rev, std::int64_t sum) {
    wire::Buffer out;
    wire::pack_array(out, 3);
    wire::pack_bool(out, true);
    wire::pack_uint(out, rev);
    wire::pack_array(out, 1);
    wire::pack_int(out, sum);
    return out;
  }
  static wire::Buffer failed(store::Revision rev, std::size_t index, store::Revision of_key) {
    wire::Buffer out;
    wire::pack_array(out, 4);
    wire::pack_bool(out, false);
    wire::pack_uint(out, rev);
    wire::pack_uint(out, index);
    wire::pack_uint(out, of_key);
    return out;
  }

  Plan plan_;
  Shadow shadow_{plan_, 0};
  ToldRevisions told_;
};

TEST_F(JudgeTest, AReadShowsWhatIsThere) {
  const auto must = execute(2);
  EXPECT_EQ(judge(2, must, read(20, {Entry{20, "v1"}, std::nullopt})), "");
  EXPECT_NE(judge(2, must, read(20, {Entry{20, "v2"}, std::nullopt})), "");
  EXPECT_NE(judge(2, must, read(20, {std::nullopt, std::nullopt})), "");
  EXPECT_NE(judge(2, must, read(20, {Entry{20, "v1"}, Entry{20, "v1"}})), "");
  EXPECT_NE(judge(2, must, read(20, {Entry{20, "v1", 7}, std::nullopt})), "");
  EXPECT_NE(judge(2, must, read(21, {Entry{20, "v1"}, std::nullopt})), "") << "not the last change";
  EXPECT_NE(judge(2, must, read(20, {Entry{20, "v1"}})), "");
}

TEST_F(JudgeTest, AKeyExpiresInItsMillisecondAndNotBefore) {
  (void)judge(2, execute(2), read(20, {Entry{20, "v1"}, std::nullopt}));
  EXPECT_EQ(judge(3, execute(3, kNow, {20}), added(30, 5)), "");
  EXPECT_EQ(judge(2, execute(2, kNow + 49), read(30, {Entry{20, "v1"}, Entry{30, "5", 1}})), "");
  const auto must = execute(2, kNow + 50);
  EXPECT_EQ(judge(2, must, read(30, {Entry{20, "v1"}, std::nullopt})), "");
  EXPECT_NE(judge(2, must, read(31, {Entry{20, "v1"}, Entry{30, "5", 0}})), "");
}

TEST_F(JudgeTest, AKeyThatHasExpiredMayCountForAWhile) {
  (void)judge(2, execute(2), read(20, {Entry{20, "v1"}, std::nullopt}));
  (void)judge(3, execute(3, kNow, {20}), added(30, 5));
  const auto must = execute(5, kNow + 50);
  for (const std::uint64_t count : {0U, 1U, 2U, 3U}) {
    wire::Buffer out;
    wire::pack_uint(out, count);
    EXPECT_EQ(judge(5, must, out).empty(), count == 1 || count == 2) << count;
  }
}

TEST_F(JudgeTest, AChangeIsMadeIfItsChecksHold) {
  (void)judge(2, execute(2), read(20, {Entry{20, "v1"}, std::nullopt}));
  const auto must = execute(3, kNow, {20});
  EXPECT_NE(judge(3, must, failed(20, 0, 20)), "");
  EXPECT_NE(judge(3, must, added(30, 6)), "");
  EXPECT_NE(judge(3, must, added(20, 5)), "") << "a revision for two changes";
}

TEST_F(JudgeTest, NothingIsChangedIfOneDoesNot) {
  (void)judge(2, execute(2), read(20, {Entry{20, "v1"}, std::nullopt}));
  (void)execute(4);
  const auto must = execute(3, kNow, {20});
  EXPECT_EQ(judge(3, must, failed(40, 0, 40)), "");
  EXPECT_NE(judge(3, must, added(41, 5)), "");
  EXPECT_NE(judge(3, must, failed(40, 0, 20)), "") << "that was the one before";
  EXPECT_EQ(shadow_.buckets().at(0).keys.size(), 1U);
}

TEST_F(JudgeTest, WhoHasAskedOnceGetsTheFirstAnswer) {
  plan_.batches[1].checks.clear();
  plan_.batches[1].once = 7;
  EXPECT_EQ(judge(3, execute(3), added(30, 5)), "");
  const auto must = execute(3);
  EXPECT_EQ(judge(3, must, added(30, 5)), "");
  EXPECT_NE(judge(3, must, added(31, 10)), "");
}

}  // namespace
}  // namespace kvmesh::sim
