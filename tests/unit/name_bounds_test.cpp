// Parts of the names of buckets: those with a prefix, those that begin with some bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <kvmesh/limits.h>

#include "client/command/buckets/bucket_list.h"

namespace kvmesh::command {
namespace {

TEST(NameBounds, HoldThePrefixAndNothingElse) {
  using namespace std::string_literals;
  std::vector<std::string> names = {"",
                                    "\0"s,
                                    "\0a"s,
                                    "a",
                                    "a\xff",
                                    "a\xff\xff",
                                    "ab",
                                    "ab\0"s,
                                    "ab\xff\xff"s,
                                    "ab\xff\xff"s + "z",
                                    "ac",
                                    "b",
                                    "\xff",
                                    "\xff\xff",
                                    "\xff\xff"
                                    "a"};
  std::ranges::sort(names);
  const auto within = [&](const NameBounds& bounds) {
    std::vector<std::string> out;
    for (const auto& name : names) {
      if (name > bounds.after && bounds.is_before_end(name)) out.push_back(name);
    }
    return out;
  };
  for (const auto& prefix : names) {
    std::vector<std::string> expected;
    for (const auto& name : names) {
      if (!name.empty() && name.starts_with(prefix)) expected.push_back(name);
    }
    EXPECT_EQ(within(names_with(prefix)), expected) << prefix;
  }
  EXPECT_EQ(within(names_in(*ByteRange::parse("b..0xff"))),
            (std::vector<std::string>{"b", "\xff", "\xff\xff",
                                      "\xff\xff"
                                      "a"}));
  EXPECT_EQ(within(names_in(*ByteRange::parse("0x00..0x60"))),
            (std::vector<std::string>{"\0"s, "\0a"s}));
  EXPECT_EQ(within(names_in(*ByteRange::parse("*"))).size(), names.size() - 1);
  auto later = names_with("a");
  later.begin_after("ab");
  later.begin_after("a");
  EXPECT_EQ(within(later).front(), "ab\0"s);
}

TEST(NameBounds, TakeTheLongestNames) {
  const std::string longest(limits::kBucketNameBytesMax, 'x');
  const auto bounds = names_with(longest);
  EXPECT_LE(bounds.after.size(), limits::kBucketNameBytesMax);
  EXPECT_LT(bounds.after, longest);
  EXPECT_LT(std::string(limits::kBucketNameBytesMax - 1, 'x') + "w", longest);
  EXPECT_TRUE(bounds.is_before_end(longest));
  EXPECT_EQ(bounds.after, std::string(limits::kBucketNameBytesMax - 1, 'x') + "w");
}

}  // namespace
}  // namespace kvmesh::command
