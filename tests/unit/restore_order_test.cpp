// What a restore sends when, over nodes that refuse, are away, or do not say what they have done.

#include "client/command/backup/restore_order.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kvmesh::command {
namespace {

using Kind = RestoreOrder::Kind;
using std::chrono::milliseconds;

BackupBlock block(std::string bucket, std::uint64_t page, std::size_t records) {
  BackupBlock out{std::move(bucket), 9, page, false, {}};
  for (std::size_t i = 0; i < records; ++i) {
    out.records.push_back({std::to_string(page) + "/" + std::to_string(i), "v", 1, {}});
  }
  return out;
}

class RestoreOrderTest : public testing::Test {
 protected:
  // The next request, which there must be.
  RestoreOrder::Id sent(Kind kind, const std::string& bucket) {
    const auto id = order_.next_to_send(now_);
    EXPECT_TRUE(id) << bucket;
    if (!id) return 0;
    EXPECT_EQ(order_.kind(*id), kind);
    EXPECT_EQ(order_.bucket(*id), bucket);
    return *id;
  }
  void ended(RestoreOrder::Id id, StatusCode code) { order_.on_outcome(id, {code, "why"}, now_); }
  bool is_quiet() { return !order_.next_to_send(now_); }

  RestoreOrder order_{{.timeout = milliseconds{5000}}};
  RestoreOrder::Time now_{};
};

TEST_F(RestoreOrderTest, ABucketIsMadeBeforeItsRecords) {
  order_.add({0, 16}, block("b", 0, 300));
  const auto create = sent(Kind::kCreate, "b");
  EXPECT_TRUE(is_quiet());
  ended(create, StatusCode::kOk);
  EXPECT_EQ(order_.oldest(), (BackupPlace{0, 16}));
  std::size_t records = 0;
  for (int i = 0; i < 3; ++i) {
    const auto id = sent(Kind::kStore, "b");
    records += order_.records(id).size();
    EXPECT_LE(order_.records(id).size(), limits::kApplyChangesMax);
    ended(id, StatusCode::kOk);
  }
  EXPECT_EQ(records, 300U);
  EXPECT_TRUE(is_quiet());
  EXPECT_TRUE(order_.is_idle());
  EXPECT_EQ(order_.oldest(), std::nullopt);
  EXPECT_EQ(order_.buckets(), 1U);
}

TEST_F(RestoreOrderTest, ToBeReplacedItIsDroppedFirst) {
  order_ = RestoreOrder{{.replaces = true}};
  order_.add({0, 16}, block("b", 0, 1));
  order_.add({0, 99}, block("not there", 0, 0));
  const auto drop = sent(Kind::kDrop, "b");
  const auto other = sent(Kind::kDrop, "not there");
  EXPECT_TRUE(is_quiet());
  ended(drop, StatusCode::kOk);
  ended(other, StatusCode::kNotFound);
  const auto create = sent(Kind::kCreate, "b");
  const auto second = sent(Kind::kCreate, "not there");
  EXPECT_TRUE(is_quiet());
  ended(create, StatusCode::kOk);
  ended(second, StatusCode::kOk);
  ended(sent(Kind::kStore, "b"), StatusCode::kOk);
  EXPECT_TRUE(order_.is_idle());
}

TEST_F(RestoreOrderTest, ADropThatMayYetBeExecutedIsWaitedFor) {
  order_ = RestoreOrder{{.replaces = true, .timeout = milliseconds{5000}}};
  order_.add({0, 16}, block("b", 0, 1));
  ended(sent(Kind::kDrop, "b"), StatusCode::kOutcomeUnknown);
  now_ += milliseconds{4999};
  EXPECT_TRUE(is_quiet());
  now_ += milliseconds{1};
  sent(Kind::kDrop, "b");
}

TEST_F(RestoreOrderTest, OnePageOfABucketGoesOnWithARestoreThatBrokeOff) {
  order_.add({0, 16}, block("b", 3, 1));
  ended(sent(Kind::kStore, "b"), StatusCode::kOk);
  EXPECT_TRUE(order_.is_idle());
}

TEST_F(RestoreOrderTest, ABucketThatFailedBeforeIsLeftUnlessItBeginsAnew) {
  order_.fail("b");
  order_.add({0, 16}, block("b", 3, 2));
  EXPECT_TRUE(is_quiet());
  EXPECT_EQ(order_.failed(), 2U);
  order_.add({0, 50}, block("c", 0, 0));
  ended(sent(Kind::kCreate, "c"), StatusCode::kOk);
  order_.add({0, 90}, block("b", 0, 1));
  ended(sent(Kind::kCreate, "b"), StatusCode::kOk);
  ended(sent(Kind::kStore, "b"), StatusCode::kOk);
  EXPECT_TRUE(order_.is_idle());
}

TEST_F(RestoreOrderTest, WhatIsRefusedEndsItsBucketAlone) {
  order_.add({0, 16}, block("a", 0, 2));
  order_.add({0, 50}, block("b", 0, 3));
  const auto a = sent(Kind::kCreate, "a");
  const auto b = sent(Kind::kCreate, "b");
  ended(a, StatusCode::kNoRoute);
  ended(b, StatusCode::kOk);
  ended(sent(Kind::kStore, "b"), StatusCode::kFull);
  EXPECT_TRUE(is_quiet());
  order_.add({0, 90}, block("b", 1, 10));
  EXPECT_TRUE(is_quiet());
  EXPECT_TRUE(order_.is_idle());
  EXPECT_EQ(order_.failed(), 15U);
  EXPECT_EQ(order_.buckets(), 0U);
  const auto first = order_.next_failure();
  const auto second = order_.next_failure();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->bucket, "a");
  EXPECT_EQ(second->status.code(), StatusCode::kFull);
  EXPECT_FALSE(order_.next_failure());
}

TEST_F(RestoreOrderTest, WhoeverIsAwayForTooLongEndsItAndTheRestIsGoneOnWithThere) {
  order_.add({0, 16}, block("a", 0, 0));
  order_.add({1, 16}, block("b", 0, 1));
  ended(sent(Kind::kCreate, "a"), StatusCode::kOk);
  ended(sent(Kind::kCreate, "b"), StatusCode::kUnavailable);
  for (int tries = 0; order_.given_up().ok(); ++tries) {
    ASSERT_LT(tries, 100);
    ASSERT_TRUE(order_.next_retry());
    now_ = *order_.next_retry();
    ended(sent(Kind::kCreate, "b"), StatusCode::kUnavailable);
  }
  EXPECT_GE(now_, RestoreOrder::Time{} + std::chrono::seconds{10});
  EXPECT_TRUE(is_quiet());
  EXPECT_EQ(order_.oldest(), (BackupPlace{1, 16}));
}

// Nodes that do at random what nodes may do, and a restore that is broken off at random and gone on
// with at oldest(): at the end all is stored.
TEST(RestoreOrderRandomTest, AllIsStoredHoweverOftenItIsBrokenOff) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random{seed};
    const bool replaces = random() % 2 == 0;
    std::vector<BackupBlock> backup;
    for (int bucket = 0; bucket < 12; ++bucket) {
      const auto pages = 1 + random() % 4;
      for (std::uint64_t page = 0; page < pages; ++page) {
        backup.push_back(block("b" + std::to_string(bucket), page, random() % 300));
      }
    }
    std::map<std::string, std::set<std::string>> stored;
    for (int bucket = 0; bucket < 12; bucket += 2) stored["b" + std::to_string(bucket)] = {"old"};
    std::uint64_t from = 0;
    for (int runs = 0; from < backup.size(); ++runs) {
      ASSERT_LT(runs, 1000) << "seed " << seed;
      RestoreOrder order{
          {.requests_max = 20, .retry_for = std::chrono::hours{1}, .replaces = replaces}};
      RestoreOrder::Time now{};
      std::vector<RestoreOrder::Id> under_way;
      auto next = from;
      auto steps_left = runs < 20 ? random() % 400 : 1'000'000;
      for (; steps_left > 0 && (next < backup.size() || !order.is_idle()); --steps_left) {
        for (; next < backup.size() && order.has_room(); ++next) order.add({0, next}, backup[next]);
        while (const auto id = order.next_to_send(now)) under_way.push_back(*id);
        if (under_way.empty()) {
          ASSERT_TRUE(order.next_retry());
          now = *order.next_retry();
          continue;
        }
        const auto at = random() % under_way.size();
        const auto id = under_way[at];
        under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(at));
        const auto chance = random() % 10;
        auto code = chance == 0   ? StatusCode::kUnavailable
                    : chance == 1 ? StatusCode::kOutcomeUnknown
                                  : StatusCode::kOk;
        const bool is_executed =
            code == StatusCode::kOk || (code == StatusCode::kOutcomeUnknown && random() % 2 == 0);
        const auto found = stored.find(order.bucket(id));
        if (is_executed && order.kind(id) == Kind::kDrop) {
          if (code == StatusCode::kOk && found == stored.end()) code = StatusCode::kNotFound;
          stored.erase(order.bucket(id));
        } else if (is_executed && order.kind(id) == Kind::kCreate) {
          (void)stored[order.bucket(id)];
        } else if (is_executed) {
          ASSERT_NE(found, stored.end()) << "it was made first";
          for (const auto& record : order.records(id)) found->second.insert(record.key);
        }
        order.on_outcome(id, {code, ""}, now);
        ASSERT_TRUE(order.given_up().ok());
      }
      from = order.oldest() ? order.oldest()->offset : next;
    }
    std::map<std::string, std::set<std::string>> expected;
    for (const auto& one : backup) {
      for (const auto& record : one.records) expected[one.bucket].insert(record.key);
      (void)expected[one.bucket];
    }
    if (!replaces) {
      for (int bucket = 0; bucket < 12; bucket += 2) {
        expected["b" + std::to_string(bucket)].insert("old");
      }
    }
    ASSERT_EQ(stored, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kvmesh::command
