// Lines of one bucket take effect in the order of the input, whatever fails and is tried again; no
// line is lost.
#include "client/command/transfer/import_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;

const Status kOkay;
const Status kAway{StatusCode::kUnavailable, "away"};
const Status kNoBucket{StatusCode::kNotFound, "no bucket"};

class ImportOrderTest : public testing::Test {
 protected:
  void add(std::uint64_t line, const std::string& bucket, const std::string& value) {
    order.add(line, {bucket, Record::KeyValue{"k", value}});
  }
  std::string name(ImportOrder::Id id) const {
    if (order.kind(id) == ImportOrder::Kind::kCreate) return "create " + order.bucket(id);
    if (order.kind(id) == ImportOrder::Kind::kCheck) return "check " + order.bucket(id);
    return order.bucket(id) + "=" + order.record(id).pair->value;
  }
  // Sends all that may be sent now.
  std::vector<std::string> send() {
    std::vector<std::string> names;
    while (const auto id = order.next_to_send(now)) {
      names.push_back(name(*id));
      sent[names.back()] = *id;
    }
    return names;
  }
  void answer(const std::string& request, const Status& status) {
    ASSERT_TRUE(sent.contains(request)) << request;
    order.on_outcome(sent[request], status, now);
    sent.erase(request);
  }
  // "line:code" of all lines settled since the last call.
  std::vector<std::string> settled() {
    std::vector<std::string> lines;
    while (const auto line = order.next_settled()) {
      lines.push_back(std::to_string(line->line) + ":" +
                      std::string{to_string(line->status.code())});
    }
    return lines;
  }
  void pass_pause() {
    ASSERT_TRUE(order.next_retry().has_value());
    now = std::max(now, *order.next_retry());
  }

  using Names = std::vector<std::string>;
  ImportOrder order{{}};
  ImportOrder::Time now{milliseconds{1000}};
  std::map<std::string, ImportOrder::Id> sent;
};

TEST_F(ImportOrderTest, ABucketIsCreatedBeforeItsFirstLineAndOnlyOnce) {
  add(1, "a", "1");
  add(2, "a", "2");
  add(3, "b", "3");
  EXPECT_EQ(send(), (Names{"create a", "a=1", "a=2", "create b", "b=3"}));
  answer("create a", kOkay);
  EXPECT_EQ(settled(), Names{});
  answer("a=1", kOkay);
  answer("a=2", kOkay);
  EXPECT_EQ(settled(), (Names{"1:ok", "2:ok"}));
  EXPECT_EQ(order.buckets_stored(), 1U);
  EXPECT_FALSE(order.idle());
}

TEST_F(ImportOrderTest, AFailureThatMayPassHoldsItsBucketAndNoOther) {
  add(1, "a", "1");
  add(2, "b", "2");
  send();
  answer("create a", kOkay);
  answer("a=1", kAway);
  add(3, "a", "3");
  add(4, "b", "4");
  EXPECT_EQ(send(), Names{"b=4"});
  pass_pause();
  EXPECT_EQ(send(), Names{"a=1"}) << "alone";
  answer("a=1", kOkay);
  EXPECT_EQ(send(), Names{"a=3"});
  answer("a=3", kOkay);
  EXPECT_EQ(settled(), (Names{"1:ok", "3:ok"}));
}

TEST_F(ImportOrderTest, WhatSucceededBehindAFailureIsSentAgainBehindIt) {
  add(1, "a", "1");
  add(2, "a", "2");
  send();
  answer("create a", kOkay);
  answer("a=1", {StatusCode::kOutcomeUnknown, ""});
  answer("a=2", kOkay);
  EXPECT_EQ(settled(), Names{}) << "line 2 could be stored over by the repetition of line 1";
  pass_pause();
  EXPECT_EQ(send(), Names{"a=1"});
  answer("a=1", kOkay);
  EXPECT_EQ(send(), Names{"a=2"});
  answer("a=2", kOkay);
  EXPECT_EQ(settled(), (Names{"1:ok", "2:ok"}));
  EXPECT_TRUE(order.idle());
}

TEST_F(ImportOrderTest, NoBucketIsNoFinalAnswerWhileItsCreationIsPending) {
  add(1, "a", "1");
  send();
  answer("create a", kAway);
  answer("a=1", kNoBucket);
  EXPECT_EQ(settled(), Names{});
  pass_pause();
  EXPECT_EQ(send(), Names{"create a"});
  answer("create a", kOkay);
  EXPECT_EQ(send(), Names{"a=1"});
  answer("a=1", kOkay);
  EXPECT_EQ(settled(), Names{"1:ok"});
}

TEST_F(ImportOrderTest, AFinalFailureConcernsItsLineAlone) {
  add(1, "a", "1");
  add(2, "a", "2");
  send();
  answer("create a", kOkay);
  answer("a=1", {StatusCode::kTooLarge, ""});
  answer("a=2", kOkay);
  EXPECT_EQ(settled(), (Names{"1:too_large", "2:ok"}));
  EXPECT_TRUE(order.idle());
}

TEST_F(ImportOrderTest, TheReasonOfAMissingBucketIsThatItCouldNotBeCreated) {
  add(1, "a", "1");
  send();
  answer("create a", {StatusCode::kFull, ""});
  answer("a=1", kNoBucket);
  EXPECT_EQ(settled(), Names{"1:full"});
  add(2, "a", "2");
  EXPECT_EQ(send(), (Names{"create a", "a=2"})) << "there may be room again";
}

TEST_F(ImportOrderTest, ABucketThatIsGoneIsCreatedAgainAndItsLinesAreLost) {
  add(1, "a", "1");
  add(2, "b", "2");
  send();
  for (const auto* request : {"create a", "a=1", "create b", "b=2"}) answer(request, kOkay);
  EXPECT_EQ(settled(), (Names{"1:ok", "2:ok"}));
  add(3, "a", "3");
  add(4, "a", "4");
  EXPECT_EQ(send(), (Names{"a=3", "a=4"}));
  answer("a=3", kNoBucket);
  EXPECT_EQ(send(), Names{});
  answer("a=4", kNoBucket);
  pass_pause();
  EXPECT_EQ(send(), Names{"create a"}) << "alone";
  EXPECT_EQ(order.lost(), 1U);
  EXPECT_EQ(order.buckets_stored(), 1U);
  answer("create a", kOkay);
  EXPECT_EQ(send(), (Names{"a=3", "a=4"}));
  answer("a=3", kOkay);
  answer("a=4", kOkay);
  EXPECT_EQ(settled(), (Names{"3:ok", "4:ok"}));
  EXPECT_TRUE(order.idle());
  EXPECT_EQ(order.lost(), 1U);
  EXPECT_EQ(order.buckets_stored(), 2U);
}

TEST_F(ImportOrderTest, ABucketThatVanishesAgainAndAgainIsGivenUp) {
  add(1, "a", "1");
  send();
  answer("create a", kOkay);
  answer("a=1", kNoBucket);
  int tries = 0;
  while (settled().empty()) {
    ASSERT_LT(++tries, 10);
    pass_pause();
    ASSERT_EQ(send(), Names{"create a"});
    answer("create a", kOkay);
    ASSERT_EQ(send(), Names{"a=1"});
    answer("a=1", kNoBucket);
  }
  EXPECT_TRUE(order.idle());
  EXPECT_EQ(order.lost(), 0U);
}

TEST_F(ImportOrderTest, OneThatWasNotCreatedHereIsNotCreatedAgain) {
  for (const auto& options : {ImportOrder::Options{.create = false},
                              ImportOrder::Options{.retry_for = milliseconds{0}}}) {
    order = ImportOrder{options};
    add(1, "a", "1");
    send();
    if (options.create) answer("create a", kOkay);
    answer("a=1", kNoBucket);
    EXPECT_EQ(settled(), Names{"1:not_found"});
    EXPECT_TRUE(order.idle());
  }
}

TEST_F(ImportOrderTest, ARestartLosesTheLinesOfOlderBuckets) {
  add(1, "old", "1");
  add(2, "old", "2");
  add(3, "up", "3");
  send();
  for (const auto* request : {"create old", "old=1", "old=2", "create up", "up=3"}) {
    answer(request, kOkay);
  }
  now += milliseconds{10};
  const auto began = now;
  now += milliseconds{10};
  add(4, "other", "4");
  send();
  answer("create other", kOkay);
  answer("other=4", kOkay);
  EXPECT_EQ(settled().size(), 4U);
  order.on_restart([](auto name) { return name.starts_with('o'); }, began);
  EXPECT_EQ(order.lost(), 2U);
  EXPECT_EQ(order.buckets_stored(), 2U);
  order.on_restart([](auto name) { return name.starts_with('o'); }, began);
  EXPECT_EQ(order.lost(), 2U) << "once";
}

TEST_F(ImportOrderTest, PausesGrowAndALineIsGivenUpInTheEnd) {
  add(1, "a", "1");
  add(2, "a", "2");
  send();
  answer("create a", kOkay);
  answer("a=2", kOkay);
  answer("a=1", kAway);
  const auto began = now;
  auto longest = milliseconds{0};
  int tries = 0;
  while (settled().empty()) {
    ASSERT_LT(++tries, 100);
    const auto before = now;
    pass_pause();
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(now - before));
    ASSERT_EQ(send(), Names{"a=1"});
    answer("a=1", kAway);
  }
  EXPECT_GE(now - began, milliseconds{10'000});
  EXPECT_LE(now - began, milliseconds{11'000});
  EXPECT_EQ(longest, milliseconds{1000});
  EXPECT_EQ(send(), Names{"a=2"}) << "its turn, and after what may have been stored of line 1";
  answer("a=2", kAway);
  EXPECT_EQ(settled(), Names{"2:unavailable"}) << "one try is enough by now";
  add(3, "b", "3");
  send();
  answer("create b", kAway);
  answer("b=3", kAway);
  EXPECT_EQ(settled(), Names{"3:unavailable"}) << "nothing has succeeded for so long";
}

TEST_F(ImportOrderTest, WithoutRetriesTheFirstFailureIsFinal) {
  order = ImportOrder{{.retry_for = milliseconds{0}}};
  add(1, "a", "1");
  send();
  answer("create a", kAway);
  answer("a=1", kAway);
  EXPECT_EQ(settled(), Names{"1:unavailable"});
  EXPECT_TRUE(order.idle());
  EXPECT_FALSE(order.next_retry().has_value());
}

TEST_F(ImportOrderTest, TheWindowBoundsRequestsAndBytes) {
  order = ImportOrder{{.requests_max = 3, .bytes_max = 100'000}};
  add(1, "a", "1");
  EXPECT_TRUE(order.has_room());
  add(2, "a", "2");
  EXPECT_FALSE(order.has_room()) << "three: one creates the bucket";
  order = ImportOrder{{.requests_max = 100, .bytes_max = 100'000}};
  add(1, "a", std::string(100'000, 'x'));
  EXPECT_FALSE(order.has_room());
}

TEST_F(ImportOrderTest, ABucketWithoutKeysIsALineOfItsOwn) {
  order.add(1, {"a", std::nullopt});
  add(2, "a", "2");
  EXPECT_EQ(send(), (Names{"create a", "a=2"}));
  answer("create a", kOkay);
  EXPECT_EQ(settled(), Names{"1:ok"});
  order = ImportOrder{{.create = false}};
  order.add(1, {"a", std::nullopt});
  add(2, "a", "2");
  EXPECT_EQ(send(), (Names{"check a", "a=2"}));
}

TEST_F(ImportOrderTest, AbandonSettlesEverythingThatIsNotUnderWay) {
  add(1, "a", "1");
  add(2, "b", "2");
  send();
  answer("create b", kOkay);
  answer("b=2", kAway);  // waits for its next try
  add(3, "c", "3");      // not sent yet
  order.abandon();
  EXPECT_EQ(send(), Names{});
  EXPECT_FALSE(order.next_retry().has_value());
  auto lines = settled();
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (Names{"2:unavailable", "3:unavailable"}));
  EXPECT_FALSE(order.idle());
  answer("create a", kOkay);
  answer("a=1", kAway);
  EXPECT_EQ(settled(), Names{"1:unavailable"}) << "no second try";
  EXPECT_TRUE(order.idle());
}

// A node that executes some requests, loses others, and answers late: at the end each bucket holds
// the value of its last line, and every line was settled once.
TEST(ImportOrderRandom, TheLastLineOfEachBucketWins) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    ImportOrder order{{.requests_max = 1 + random() % 40, .retry_for = std::chrono::hours{1}}};
    ImportOrder::Time now{milliseconds{1}};
    std::map<std::string, std::string> stored;
    std::map<std::string, std::string> expected;
    std::vector<std::pair<ImportOrder::Id, Status>> answers;
    const std::uint64_t lines = 1 + random() % 200;
    std::uint64_t next_line = 1;
    std::vector<int> settled(lines + 1, 0);
    const auto loss = random() % 60;
    for (int step = 0; next_line <= lines || !order.idle(); ++step) {
      ASSERT_LT(step, 200'000);
      while (next_line <= lines && order.has_room()) {
        const std::string bucket(1, static_cast<char>('a' + random() % 4));
        const std::string value = std::to_string(next_line);
        expected[bucket] = value;
        order.add(next_line++, {bucket, Record::KeyValue{"k", value}});
      }
      while (const auto id = order.next_to_send(now)) {  // executed in the order of sending
        const std::string& bucket = order.bucket(*id);
        const auto dice = random() % 100;
        Status status;
        if (dice < loss) {
          status = kAway;
        } else if (order.kind(*id) == ImportOrder::Kind::kCreate) {
          stored.try_emplace(bucket);
        } else if (!stored.contains(bucket)) {
          status = kNoBucket;
        } else {
          stored[bucket] = order.record(*id).pair->value;
        }
        if (dice >= loss && dice < loss + loss / 2) status = {StatusCode::kOutcomeUnknown, ""};
        answers.emplace_back(*id, status);
      }
      std::shuffle(answers.begin(), answers.end(), random);
      for (std::size_t some = random() % 8; some > 0 && !answers.empty(); --some) {
        order.on_outcome(answers.back().first, answers.back().second, now);
        answers.pop_back();
      }
      while (const auto line = order.next_settled()) {
        ASSERT_TRUE(line->status.ok()) << line->line << " " << line->status.to_string();
        ++settled[line->line];
      }
      now += milliseconds{random() % 500};
    }
    while (const auto line = order.next_settled()) ++settled[line->line];
    EXPECT_EQ(stored, expected);
    EXPECT_EQ(std::count(settled.begin() + 1, settled.end(), 1), static_cast<long>(lines));
  }
}

}  // namespace
}  // namespace kvmesh::command
