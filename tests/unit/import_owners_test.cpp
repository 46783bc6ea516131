// An import notices that a node has lost what it had stored, and that it is another one.
#include "client/command/transfer/import_owners.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/route_hash.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using NodeNames = std::set<std::string>;

class ImportOwnersTest : public testing::Test {
 protected:
  static ImportOwners::Told told(const std::string& node, std::uint64_t incarnation,
                                 milliseconds uptime = seconds{1000}) {
    return {node, incarnation, false, uptime, false};
  }
  // The last questions, each answered like this.
  void check(const Result<ImportOwners::Told>& answer) {
    while (const auto part = owners.next_check(now)) owners.on_told(*part, answer, now);
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
  EXPECT_EQ(owners.restarted(), NodeNames{});
  EXPECT_EQ(owners.remarks(), NodeNames{});
}

TEST_F(ImportOwnersTest, AnotherIncarnationHasLostAll) {
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  check(told("foo", 2, milliseconds{1}));
  EXPECT_TRUE(owners.is_checked());
  EXPECT_EQ(owners.restarted(), NodeNames{"foo"});
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
  EXPECT_EQ(owners.restarted(), NodeNames{});
}

TEST_F(ImportOwnersTest, OneThatWasNotDurableBeforeHasLostAll) {
  auto durable = told("foo", 2, milliseconds{1});
  durable.keeps = true;
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  check(durable);
  EXPECT_EQ(owners.restarted(), NodeNames{"foo"});
}

TEST_F(ImportOwnersTest, AnotherNodeIsTold) {
  owners.asks_first("apples", now);
  owners.on_told('a', told("foo", 1), now);
  owners.on_stored("apples", now);
  check(told("bar", 2));
  EXPECT_EQ(owners.restarted(), NodeNames{});
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
  EXPECT_EQ(owners.restarted(), NodeNames{"foo"});
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
  EXPECT_EQ(owners.restarted(), NodeNames{});
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
  const auto told = ImportOwners::told_of(Value{map}, {});
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->node, "foo@h");
  EXPECT_EQ(told->incarnation, 7U);
  EXPECT_EQ(told->uptime, milliseconds{12});
  EXPECT_FALSE(ImportOwners::told_of(Value{}, {}).ok());
}

// Two nodes share the names that begin with s, by hash: "shopping" has 0x49, "s1" another.
TEST_F(ImportOwnersTest, WhereHashesDecideEachHasItsOwner) {
  ASSERT_NE(route_hash("shopping"), route_hash("s1"));
  const auto by_hash = [](const std::string& node, std::uint64_t incarnation) {
    auto out = told(node, incarnation, milliseconds{1});
    out.by_hash = true;
    return out;
  };
  EXPECT_TRUE(owners.asks_first("shopping", now));
  EXPECT_FALSE(owners.asks_first("s1", now)) << "nobody knows yet that it may be elsewhere";
  owners.on_stored("shopping", now);
  owners.on_stored("s1", now);
  owners.on_told('s', by_hash("foo", 1), now);
  EXPECT_NE(owners.part_of("s1"), owners.part_of("shopping"));
  EXPECT_TRUE(ImportOwners::is_of("s1", owners.part_of("s1")));
  EXPECT_FALSE(ImportOwners::is_of("shopping", owners.part_of("s1")));
  now += seconds{10};
  std::set<std::string> asked;
  while (const auto part = owners.next_check(now)) {
    const auto& bucket = owners.bucket_of(*part);
    asked.insert(bucket);
    owners.on_told(*part, by_hash(bucket == "s1" ? "bar" : "foo", 1), now);
  }
  EXPECT_EQ(asked, (NodeNames{"s1", "shopping"}));
  EXPECT_TRUE(owners.is_checked());
  EXPECT_EQ(owners.restarted(), NodeNames{"bar"})
      << "it runs for a millisecond, and had stored before";
  EXPECT_EQ(owners.remarks(), NodeNames{});
}

}  // namespace
}  // namespace kvmesh::command
