#include "common/config/allowed.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kvmesh {
namespace {

Allowed allowed(const std::vector<std::string>& patterns) { return *Allowed::parse(patterns); }

TEST(Allowed, WithoutAListEverythingIsAllowed) {
  const Allowed all;
  EXPECT_FALSE(all.restricted());
  for (const auto* function : {"hello.add", "other.thing", "kv.get"}) {
    EXPECT_TRUE(all.allows(function)) << function;
  }
}

TEST(Allowed, AListAllowsWhatItNamesAndNothingElse) {
  const struct {
    std::vector<std::string> patterns;
    std::vector<std::string> yes;
    std::vector<std::string> no;
  } cases[] = {
      {{}, {}, {"hello.add", "a.b", "*"}},
      {{"*"}, {"hello.add", "a.b"}, {}},
      {{"hello.*"}, {"hello.add", "hello.world"}, {"hello", "hell.add", "hello2.add", "a.hello"}},
      {{"hello.add"}, {"hello.add"}, {"hello.ad", "hello.add2", "hello.sub", "add"}},
      {{"b.y", "a.*", "b.x"}, {"a.x", "b.x", "b.y"}, {"b.z", "c.x", "ab.x"}},
  };
  for (const auto& c : cases) {
    const auto list = allowed(c.patterns);
    EXPECT_TRUE(list.restricted());
    for (const auto& function : c.yes) EXPECT_TRUE(list.allows(function)) << function;
    for (const auto& function : c.no) EXPECT_FALSE(list.allows(function)) << function;
  }
}

TEST(Allowed, NoListConcernsKvAndNode) {
  const auto none = allowed({});
  EXPECT_TRUE(none.allows("kv.get"));
  EXPECT_TRUE(none.allows("node.info"));
  EXPECT_FALSE(none.allows("kv"));
  EXPECT_FALSE(none.allows("kvs.get"));
  EXPECT_FALSE(none.allows(""));
}

TEST(Allowed, PatternsAreSortedAndTheirOrderMeansNothing) {
  EXPECT_EQ(allowed({"b.x", "a.*", "b.x"}), allowed({"a.*", "b.x"}));
  EXPECT_EQ(allowed({"b.x", "a.*"}).patterns(), (std::vector<std::string>{"a.*", "b.x"}));
  EXPECT_NE(allowed({}), Allowed{});
}

TEST(Allowed, WhatIsNoPatternIsRefused) {
  for (const std::string pattern :
       {"", "hello", "hello.", ".add", "*.add", "hello.*.x", "hello.a*", "Hello.add", "hello.2",
        "hello add", "hello.add ", "**", "*.*", "a.b.c", "h\xc3\xa9.x"}) {
    const auto parsed = Allowed::parse({"good.one", pattern});
    ASSERT_FALSE(parsed.ok()) << pattern;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Allowed::parse({"hello"}).status().text(),
            "\"hello\" is not a pattern; write module.function, module.* or *, with names of lower "
            "case letters, digits and '_'");
  EXPECT_EQ(Allowed::parse({"kv.get"}).status().text(),
            "\"kv.get\" has no effect, because kv can always be called; name modules of your own");
  EXPECT_FALSE(Allowed::parse({"node.*"}).ok());
  EXPECT_FALSE(Allowed::parse({"a." + std::string(254, 'b')}).ok());
  EXPECT_TRUE(Allowed::parse({"a." + std::string(253, 'b')}).ok());
}

}  // namespace
}  // namespace kvmesh
