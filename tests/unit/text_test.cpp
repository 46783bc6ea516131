#include "common/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace kvmesh {
namespace {

TEST(Quoted, LeavesPrintableTextAlone) {
  EXPECT_EQ(kvmesh::in_quotes(""), "\"\"");
  EXPECT_EQ(kvmesh::in_quotes("shopping list ~"), "\"shopping list ~\"");
}

TEST(Quoted, EscapesTheRest) {
  EXPECT_EQ(kvmesh::in_quotes("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(kvmesh::in_quotes("\r\n\t"), R"("\r\n\t")");
  EXPECT_EQ(kvmesh::in_quotes(std::string_view{"\0\x1b\x7f\x80\xff", 5}),
            R"("\x00\x1b\x7f\x80\xff")");
}

TEST(Quoted, IsAlwaysOneLineOfAscii) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto text = kvmesh::in_quotes(all, 256);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; })) << text;
}

TEST(Quoted, CutsAndTellsTheLength) {
  EXPECT_EQ(kvmesh::in_quotes(std::string(64, 'a')), '"' + std::string(64, 'a') + '"');
  EXPECT_EQ(kvmesh::in_quotes(std::string(65, 'a')),
            '"' + std::string(64, 'a') + "\"... (65 bytes)");
  EXPECT_EQ(kvmesh::in_quotes("abc", 2), "\"ab\"... (3 bytes)");
}

TEST(OverLimit, HoldsBothNumbers) {
  EXPECT_EQ(over_limit("value", 1048577, 1048576),
            "value of 1048577 bytes is over the limit of 1048576");
}

TEST(Joined, PutsTheSeparatorBetweenEachTwo) {
  EXPECT_EQ(joined({}, ", "), "");
  EXPECT_EQ(joined({"a"}, ", "), "a");
  EXPECT_EQ(joined({"a", "bc", "d"}, ", "), "a, bc, d");
  EXPECT_EQ(joined({"", "a", ""}, ","), ",a,");
}

TEST(ByteText, ShowsTheCharacterWhereThereIsOne) {
  EXPECT_EQ(byte_text('a'), "'a' (0x61)");
  EXPECT_EQ(byte_text(' '), "' ' (0x20)");
  EXPECT_EQ(byte_text('\n'), "0x0a");
  EXPECT_EQ(byte_text(0x7f), "0x7f");
  EXPECT_EQ(byte_text(0xff), "0xff");
}

}  // namespace
}  // namespace kvmesh
