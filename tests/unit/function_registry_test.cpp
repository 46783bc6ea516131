// FunctionRegistry and Routes: the two tables that a node looks in.

#include "node/core/function_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <kvmesh/limits.h>

#include "node/core/routes.h"

namespace kvmesh::core {
namespace {

using testing::HasSubstr;

NodeName name(std::string_view text) { return *NodeName::parse(text); }

TEST(FunctionRegistry, FindsWhatIsDefinedAndNothingElse) {
  FunctionRegistry modules;
  int calls = 0;
  modules.define("kv.get", [&](Call&) { ++calls; });
  ASSERT_NE(modules.find("kv.get"), nullptr);
  EXPECT_EQ(modules.find("kv.ge"), nullptr);
  EXPECT_EQ(modules.find("kv.get "), nullptr);
  EXPECT_EQ(modules.find(""), nullptr);
}

TEST(FunctionRegistry, UndefinedNamesTheNodeTheFunctionAndWhatThereIs) {
  FunctionRegistry modules;
  modules.define("kv.put", [](Call&) {});
  modules.define("kv.get", [](Call&) {});
  const auto status = modules.undefined("foo@h", "kv.\npot");
  EXPECT_EQ(status.code(), StatusCode::kUndefinedFunction);
  EXPECT_EQ(status.text(), "foo@h has no function \"kv.\\npot\"; it has: kv.get, kv.put");
}

TEST(FunctionRegistry, UndefinedSaysHowAFunctionThatIsElsewhereIsCalled) {
  FunctionRegistry modules;
  modules.define("kv.put", [](Call&) {});
  modules.set_advice([](std::string_view function) {
    return function == "mine.count" ? std::string{"a task"} : std::string{};
  });
  EXPECT_EQ(modules.undefined("foo@h", "mine.count").text(),
            "foo@h has no function \"mine.count\" of its own; it is a task");
  EXPECT_EQ(modules.undefined("foo@h", "mine.cont").text(),
            "foo@h has no function \"mine.cont\"; it has: kv.put");
}

TEST(ModulesDeathTest, DefiningTwiceAborts) {
  FunctionRegistry modules;
  modules.define("kv.get", [](Call&) {});
  EXPECT_DEATH(modules.define("kv.get", [](Call&) {}), "");
}

TEST(Routes, ABucketNameMayHaveItsLimitAndNotMore) {
  const auto self = name("foo@h");
  const auto routes = *Routes::make(self, {}, RoutingTable{{{ByteRange{}, self}}});
  const std::string longest(limits::kBucketNameBytesMax, 'b');
  EXPECT_TRUE(routes.find({Target::Kind::kBucket, longest}).ok());
  const auto refused = routes.find({Target::Kind::kBucket, longest + "b"}).status();
  EXPECT_EQ(refused.code(), StatusCode::kTooLarge);
  EXPECT_THAT(refused.text(), HasSubstr("1025"));
  EXPECT_THAT(refused.text(), HasSubstr("1024"));
}

TEST(Routes, EveryByteGoesWhereTheFirstEntryThatHoldsItSays) {
  const auto self = name("foo@h");
  const std::vector<NodeName> peers{name("bar@h"), name("baz@h")};
  const auto routes = *Routes::make(self, peers,
                                    RoutingTable{{{ByteRange{'a', 'm'}, self},
                                                  {ByteRange{'k', 'z'}, peers[1]},
                                                  {ByteRange{0x80, 0xff}, peers[0]}}});
  for (int byte = 0; byte < 256; ++byte) {
    const std::string bucket{static_cast<char>(byte), 'x'};
    const auto route = routes.find({Target::Kind::kBucket, bucket});
    if (byte >= 'a' && byte <= 'm') {
      ASSERT_TRUE(route.ok()) << byte;
      EXPECT_FALSE(route->peer) << byte;
    } else if (byte >= 'n' && byte <= 'z') {
      ASSERT_TRUE(route.ok()) << byte;
      EXPECT_EQ(route->peer, PeerIndex{1}) << byte;
    } else if (byte >= 0x80) {
      ASSERT_TRUE(route.ok()) << byte;
      EXPECT_EQ(route->peer, PeerIndex{0}) << byte;
    } else {
      EXPECT_EQ(route.status().code(), StatusCode::kNoRoute) << byte;
    }
  }
}

}  // namespace
}  // namespace kvmesh::core
