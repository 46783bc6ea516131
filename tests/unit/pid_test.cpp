// Pids and their text.

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_set>

#include <kvmesh/pid.h>

namespace kvmesh {
namespace {

TEST(Pid, TextIsTheNodeAndTheIdInHexadecimal) {
  EXPECT_EQ((Pid{"foo@localhost", 0x1a2b3c}).to_string(), "<foo@localhost/1a2b3c>");
  EXPECT_EQ((Pid{"a@b", 0}).to_string(), "<a@b/0>");
  EXPECT_EQ((Pid{"a@b", std::numeric_limits<std::uint64_t>::max()}).to_string(),
            "<a@b/ffffffffffffffff>");
}

TEST(Pid, ParsesWhatItPrints) {
  for (const auto id : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0xabcdef0123456789},
                        std::numeric_limits<std::uint64_t>::max()}) {
    const Pid pid{"foo-1.x@some_host.org", id};
    const auto parsed = Pid::parse(pid.to_string());
    ASSERT_TRUE(parsed) << parsed.status().text();
    EXPECT_EQ(*parsed, pid);
  }
}

TEST(Pid, RefusesEverythingElse) {
  for (const std::string text :
       {"",           "<>",         "</>",         "foo@h/1",
        "<foo@h/1",   "foo@h/1>",   "<foo@h/>",    "<foo@h>",
        "<foo/1>",    "<@h/1>",     "</1>",        "<foo@h/1A>",
        "<foo@h/01>", "<foo@h/+1>", "<foo@h/-1>",  "<foo@h/0x1>",
        "<foo@h/1 >", " <foo@h/1>", "<foo@h/1>\n", "<foo@h/10000000000000000>",
        "<a@b/c/1>",  "<"}) {
    const auto parsed = Pid::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(parsed.status().text().find("a pid looks like <foo@localhost/1a2b3c>"),
              std::string::npos)
        << parsed.status().text();
  }
}

TEST(Pid, ComparesByNodeAndThenById) {
  EXPECT_LT((Pid{"a@h", 9}), (Pid{"b@h", 1}));
  EXPECT_LT((Pid{"a@h", 1}), (Pid{"a@h", 2}));
  EXPECT_NE((Pid{"a@h", 1}), (Pid{"b@h", 1}));
  EXPECT_TRUE(Pid{}.empty());
  EXPECT_FALSE((Pid{"a@h", 0}).empty());
}

TEST(Pid, HashTellsPidsApart) {
  std::unordered_set<Pid> pids;
  for (std::uint64_t id = 0; id < 100; ++id) {
    pids.insert({"a@h", id});
    pids.insert({"b@h", id});
    pids.insert({"a@h", id});
  }
  EXPECT_EQ(pids.size(), 200U);
  EXPECT_TRUE(pids.contains({"b@h", 42}));
  EXPECT_FALSE(pids.contains({"b@h", 100}));
}

}  // namespace
}  // namespace kvmesh
