// Words that may stand in quotes: what is read, and what is written.

#include "node/line/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/random_msgpack.h"

namespace kvmesh::line {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> words_of(std::string_view line) {
  Words words;
  const auto fault = words.split(line);
  if (!fault.ok()) return {"fault: " + fault.text()};
  return {words.all().begin(), words.all().end()};
}
std::string written(std::string_view bytes) {
  wire::Buffer out;
  append_word(out, bytes);
  return std::string{out.view()};
}

TEST(LineWords, WithoutQuotesArePartedByWhiteSpace) {
  EXPECT_THAT(words_of("SET b k v"), ElementsAre("SET", "b", "k", "v"));
  EXPECT_THAT(words_of(" \t\v\f\rSET  b\t"), ElementsAre("SET", "b"));
  EXPECT_THAT(words_of(""), ElementsAre());
  EXPECT_THAT(words_of(" "), ElementsAre());
  EXPECT_THAT(words_of("a\\n b\"c \\\"d\0\xff"s), ElementsAre("a\\n", "b\"c", "\\\"d\0\xff"s))
      << "a quote or a backslash in them is one";
}

TEST(LineWords, InQuotesHoldAnyBytes) {
  EXPECT_THAT(words_of(R"("a key" "two\r\nlines")"), ElementsAre("a key", "two\r\nlines"));
  EXPECT_THAT(words_of(R"("")"), ElementsAre(""));
  EXPECT_THAT(words_of(R"(a "" "" b)"), ElementsAre("a", "", "", "b"));
  EXPECT_THAT(words_of(R"("\n\r\t\"\\\x00\xfF\x0A")"), ElementsAre("\n\r\t\"\\\0\xff\n"s));
  EXPECT_THAT(words_of("\"\t\xc3\xa4\x01\""), ElementsAre("\t\xc3\xa4\x01")) << "as they are";
  EXPECT_THAT(words_of("\"a\"\t\"b\"\r"), ElementsAre("a", "b"));
}

TEST(LineWords, AreRefusedWhenTheirQuotesAreWrong) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {R"(a ")", "word 2 of the line has no closing quote"},
      {R"("abc)", "word 1 of the line has no closing quote"},
      {R"(a b "c\")", "word 3 of the line has no closing quote"},
      {R"("a"b)", "word 1 of the line goes on after its closing quote"},
      {R"("a""b")", "word 1 of the line goes on after its closing quote"},
      {R"("a\q")", R"(word 1 of the line holds \q; after a backslash)"},
      {R"("a\N")", R"(holds \N;)"},
      {R"("\x1")", R"(holds \x;)"},
      {R"("\xg0")", R"(holds \x;)"},
      {R"("\x0g")", R"(holds \x;)"},
      {R"("\x)", R"(holds \x;)"},
      {R"("\)", R"(holds \;)"},
      {"\"\\\x01\"", R"(holds \\x01;)"},
  };
  for (const auto& [line, text] : wrong) {
    EXPECT_THAT(words_of(line), ElementsAre(HasSubstr(text))) << line;
  }
}

TEST(LineWords, BeyondTheMostAreCountedAsOneMore) {
  Words words;
  ASSERT_TRUE(words.split("1 2 3 4 5 6 7 8 9 10").ok());
  EXPECT_EQ(words.size(), 10U);
  EXPECT_THAT(words.all(), SizeIs(10));
  ASSERT_TRUE(words.split("1 2 3 4 5 6 7 8 9 \"10\" 11 \"12").ok());
  EXPECT_EQ(words.size(), 11U);
  EXPECT_THAT(words.all(), SizeIs(10));
}

TEST(LineWords, AreWrittenInQuotesWhenTheyNeedThem) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"milk", "milk"},
      {"a\"b\\n", "a\"b\\n"},
      {"\xc3\xa4\xff", "\xc3\xa4\xff"},
      {"", R"("")"},
      {"\"", R"("\"")"},
      {"\"x\\", R"("\"x\\")"},
      {"two words", R"("two words")"},
      {"a\r\nb\t", R"("a\r\nb\t")"},
      {"\0\x1f\x7f"s, R"("\x00\x1f\x7f")"},
      {"\v\f", R"("\x0b\x0c")"},
      {"\xff \\\"", "\"\xff \\\\\\\"\""},
  };
  for (const auto& [bytes, text] : texts) EXPECT_EQ(written(bytes), text);
}

TEST(LineWords, AreReadAsTheyWereWritten) {
  RandomMsgpack random{test_seed()};
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> words;
    std::string line;
    for (auto left = 1 + random.below(Words::kMost); left > 0; --left) {
      words.push_back(random.bytes(random.below(8)));
      if (random.below(4) == 0) words.back() = "\"" + words.back();
      line += written(words.back()) + " ";
    }
    ASSERT_EQ(words_of(line), words) << line;
    ASSERT_EQ(line.find_first_of("\r\n\t\v\f"), std::string::npos) << line;
  }
}

TEST(LineWords, MemoryOfALongLineIsGivenBack) {
  Words words;
  const std::string line = "\"" + std::string(1 << 20, 'x') + "\"";
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(words.split(line).ok());
    ASSERT_EQ(words.all()[0].size(), std::size_t{1} << 20);
    words.give_back();
    EXPECT_EQ(words.size(), 0U);
  }
}

}  // namespace
}  // namespace kvmesh::line
