// An import notices that a node has lost what it had stored, and that it is another one.
#include "client/command/transfer/import_owners.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using NameSet = std::set<std::string>;

class ImportOwnersTest : public testing::Test {
 protected:
  static ImportOwners::Told told(const std::string& node, std::uint64_t incarnation,
                                 milliseconds uptime = seconds{1000}) {
    return {node, incarnation, false, uptime};
  }
  // The last questions, each answered like this.
  void check(const Result<ImportOwners::Told>& answer) {
    while (const auto byte = owners.next_check(now)) owners.on_told(*byte, answer, now);
  }

  ImportOwners owners{seconds{10}};
  ImportOwners::Time now{seconds{100000}};
};

TEST_F(ImportOwnersTest, AsksOnceAByteAndAgainAtTheEnd) {
  EXPECT_TRUE(owners.asks_first("apples", now));
  EXPECT_FALSE(owners.asks_first("apples", now));
  EXPECT_FALSE(owners.asks_first("avocados", now));
  EXPECT_TRUE(owners.asks_first("shopping", now));
  EXPECT_FALSE(owners.asks_first("", now)) << "the mesh refuses it";
  owners.on_told('a', told("foo", 1), now);
  owners.on_told('s', told("bar", 2), now);
  owners.on_stored("apples", now);
  EXPECT_FALSE(owners.is_checked());
  EXPECT_EQ(owners.next_check(now), 'a') << "nothing was stored of the other";
  EXPECT_EQ(owners.bucket_of('a'), "apples");
  EXPECT_EQ(owners.next_check(now), std::nullopt);
  owners.on_told('a', told("foo", 1), now);
  EXPECT_TRUE(owners.is_checked());
  EXPECT_EQ(owners.restarted(), NameSet{});
  EXPECT_EQ(owners.remarks(), NameSet{});
}

TEST_F(ImportOwnersTest, AnotherIncarnationHasLostAll) {
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  check(told("foo", 2, milliseconds{1}));
  EXPECT_TRUE(owners.is_checked());
  EXPECT_EQ(owners.restarted(), NameSet{"foo"});
  ASSERT_EQ(owners.restarts().size(), 1U);
  EXPECT_EQ(owners.restarts().at('a'), now) << "a millisecond ago, give or take one";
}

TEST_F(ImportOwnersTest, ADurableOneHasLostNothing) {
  auto durable = told("foo", 1);
  durable.keeps = true;
  owners.asks_first("apples", now);
  owners.on_told('a', durable, now);
  owners.on_stored("apples", now);
  durable.incarnation = 2;
  durable.uptime = milliseconds{1};
  check(durable);
  EXPECT_EQ(owners.restarted(), NameSet{});
}

TEST_F(ImportOwnersTest, OneThatWasNotDurableBeforeHasLostAll) {
  auto durable = told("foo", 2, milliseconds{1});
  durable.keeps = true;
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  check(durable);
  EXPECT_EQ(owners.restarted(), NameSet{"foo"});
}

TEST_F(ImportOwnersTest, AnotherNodeIsTold) {
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  check(told("bar", 2));
  EXPECT_EQ(owners.restarted(), NameSet{});
  EXPECT_EQ(owners.remarks().size(), 1U);
}

TEST_F(ImportOwnersTest, AFirstAnswerThatIsLostIsMadeGoodByTheTime) {
  owners.asks_first("apples", now);
  owners.on_told('a', Status{StatusCode::kOutcomeUnknown, "lost"}, now);
  EXPECT_FALSE(owners.asks_first("apples", now)) << "after a pause";
  owners.on_stored("apples", now);
  now += seconds{2};
  EXPECT_TRUE(owners.asks_first("apples", now));
  owners.on_told('a', told("foo", 2, seconds{1}), now);  // began a second after the line was stored
  EXPECT_EQ(owners.restarted(), NameSet{"foo"});
}

TEST_F(ImportOwnersTest, AYoungNodeThatHasAllIsFine) {
  owners.asks_first("apples", now);
  owners.on_told('a', Status{StatusCode::kUnavailable, "not up yet"}, now);
  now += seconds{5};
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1, seconds{1}), now);
  owners.on_stored("apples", now);
  now += seconds{5};
  check(told("foo", 1, seconds{6}));
  EXPECT_TRUE(owners.is_checked());
  EXPECT_EQ(owners.restarted(), NameSet{});
}

TEST_F(ImportOwnersTest, ANodeThatStaysAwayIsAskedForAWhile) {
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  for (int i = 0; i < 39; ++i) {
    EXPECT_EQ(owners.next_check(now), 'a');
    owners.on_told('a', Status{StatusCode::kUnavailable, "away"}, now);
    EXPECT_EQ(owners.next_check(now), std::nullopt);
    EXPECT_FALSE(owners.is_checked());
    now += milliseconds{250};
  }
  now += seconds{1};
  check(Status{StatusCode::kUnavailable, "away"});
  EXPECT_TRUE(owners.is_checked());
  EXPECT_EQ(owners.remarks().size(), 1U);
}

TEST(ImportOwners, ReadsNodeInfo) {
  Value::Map map{{"name", Value{std::string{"foo@h"}}},
                 {"incarnation", Value{std::uint64_t{7}}},
                 {"uptime_ms", Value{std::int64_t{12}}}};
  const auto told = ImportOwners::told_of(Value{map});
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->node, "foo@h");
  EXPECT_EQ(told->incarnation, 7U);
  EXPECT_EQ(told->uptime, milliseconds{12});
  EXPECT_FALSE(ImportOwners::told_of(Value{}).ok());
}

}  // namespace
}  // namespace kvmesh::command
