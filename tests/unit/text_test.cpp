#include "common/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "common/number.h"
#include "common/utf8.h"

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

TEST(Printable, LeavesTextAndEscapesWhatATerminalObeys) {
  EXPECT_EQ(printable("Z\u00fcrich \\ \"5\" \u20ac \U0001f600"),
            "Z\u00fcrich \\ \"5\" \u20ac \U0001f600");
  EXPECT_EQ(printable("\x1b]0;x\x07\r\x7f\n"), "\\x1b]0;x\\x07\\r\\x7f\\n");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "2Jb"),
            "a\\xc2\\x9b2Jb")
      << "U+009B begins a sequence too";
  EXPECT_EQ(printable("\u202e\u2066\u2028\ufeff\u00a0"),
            "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\xa8\\xef\\xbb\\xbf\u00a0");
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("a\n\tb\r\x1b", "\n\t"), "a\n\tb\\r\\x1b");
}

TEST(Printable, IsPrintableWhateverTheBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
      const auto text = printable(bytes);
      EXPECT_TRUE(is_utf8(text)) << first << " " << second;
      EXPECT_EQ(printable(text), text) << first << " " << second;
    }
  }
}

TEST(Utf8Beginning, CutsNoCharacter) {
  const std::string text = "a\u00e9\u20ac\U0001f600z";  // of 1, 2, 3, 4 and 1 bytes
  const std::vector<std::size_t> ends{0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t most = 0; most < ends.size(); ++most) {
    EXPECT_EQ(utf8_beginning(text, most), text.substr(0, ends[most])) << most;
  }
}

TEST(Utf8Beginning, CutsWhatIsNoUtf8AnywhereElse) {
  for (const std::string text : {"\x80\x80\x80\x80\x80", "abc\xff\xc3", "a\xe2\x82z\x80"}) {
    for (std::size_t most = 0; most <= text.size(); ++most) {
      EXPECT_EQ(utf8_beginning(text, most).size(), most) << text;
    }
  }
}

TEST(WholeNumber, IsDigitsThatFit) {
  EXPECT_EQ(parse_whole_number("0"), 0U);
  EXPECT_EQ(parse_whole_number("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x10", "010", "1e3", "1.0",
                           "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(parse_whole_number(text), std::nullopt) << text;
  }
  EXPECT_EQ(whole_number_fault("7", 1, 7), "");
  EXPECT_EQ(whole_number_fault("8", 1, 7), "\"8\" is no whole number from 1 to 7");
  EXPECT_EQ(whole_number_fault("x", 1, 7), "\"x\" is no whole number from 1 to 7");
}

TEST(Decimal, IsFiniteAndInItsRange) {
  for (const char* text : {"0.1", "5", "1e2", "100"}) EXPECT_EQ(decimal_fault(text, 0.1, 100), "");
  for (const char* text : {"", "nan", "inf", "1e400", "-1", "0x1p1", "1 ", "100.5"}) {
    EXPECT_EQ(decimal_fault(text, 0.1, 100), in_quotes(text) + " is no number from 0.1 to 100");
  }
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
