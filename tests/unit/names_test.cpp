#include "common/names.h"

#include <gtest/gtest.h>

#include <string>

#include <kvmesh/limits.h>

namespace kvmesh {
namespace {

TEST(NodeName, IsTwoPartsOfItsCharacters) {
  for (const auto* text : {"foo@localhost", "a@b", "A-1_x.y@host-2.example.org", "0@0", "-@."}) {
    const auto name = NodeName::parse(text);
    ASSERT_TRUE(name.ok()) << text;
    EXPECT_EQ(name->str(), text);
    EXPECT_FALSE(name->empty());
  }
}

TEST(NodeName, IsNothingElse) {
  for (const auto* text :
       {"", "foo", "@", "foo@", "@host", "a@b@c", "foo@lo cal", "foo @h", " foo@h", "foo@h\n",
        "foo@h:4040", "f\xc3\xb6@h", "foo/bar@h", "foo@h\\"}) {
    const auto name = NodeName::parse(text);
    ASSERT_FALSE(name.ok()) << text;
    EXPECT_EQ(name.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(name.status().text().find("write name@host"), std::string::npos)
        << name.status().text();
  }
  EXPECT_FALSE(NodeName::parse(std::string_view{"foo\0@h", 6}).ok());
}

TEST(NodeName, MayBeAsLongAsItsLimit) {
  const std::string longest = std::string(limits::kNodeNameBytesMax - 2, 'n') + "@h";
  EXPECT_TRUE(NodeName::parse(longest).ok());
  const auto longer = NodeName::parse('n' + longest);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.status().code(), StatusCode::kTooLarge);
  EXPECT_EQ(longer.status().text(), "node name of 256 bytes is over the limit of 255");
}

TEST(NodeName, TheDefaultIsNoNode) {
  EXPECT_TRUE(NodeName{}.empty());
  EXPECT_NE(NodeName{}, *NodeName::parse("a@b"));
  EXPECT_LT(*NodeName::parse("a@b"), *NodeName::parse("b@b"));
}

}  // namespace
}  // namespace kvmesh
