// The formats of `kvmesh import` and `export`: each gives back exactly what it was given, and
// refuses the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/transfer/import_format.h"
#include "client/command/transfer/record.h"
#include "common/utf8.h"

namespace kvmesh::command {
namespace {

using namespace std::string_literals;

Record record(std::string bucket, std::string key, std::string value) {
  return {std::move(bucket), Record::KeyValue{std::move(key), std::move(value)}};
}

TEST(Tsv, ReadsEscapes) {
  const auto parsed = parse_tsv("b\\t1\tk\\n\\r\tv\\\\\\x00\\xfF");
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  EXPECT_EQ(*parsed, record("b\t1", "k\n\r", "v\\\0\xff"s));
}

TEST(Tsv, KeyAndValueMayBeEmpty) {
  const auto parsed = parse_tsv("b\t\t");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, record("b", "", ""));
}

TEST(Tsv, BucketAndTabIsABucketWithoutKeys) {
  const auto parsed = parse_tsv("b\t");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, (Record{"b", std::nullopt}));
}

TEST(Tsv, RefusesOtherNumbersOfFieldsAndUnknownEscapes) {
  for (const char* line : {"", "word", "two\tfields", "four\tf\tf\tf", "b\tk\t\\", "b\tk\t\\q",
                           "b\tk\t\\x1", "b\tk\t\\x1g", "b\\x\tk\tv", "b\t\\8\tv"}) {
    const auto parsed = parse_tsv(line);
    EXPECT_FALSE(parsed.ok()) << line;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(Tsv, WritesWhatATerminalMayShow) {
  EXPECT_EQ(escape("Zürich\t\x1b[1m"), "Zürich\\t\\x1b[1m");
  EXPECT_EQ(escape("a\xff"), "a\\xff");
  EXPECT_EQ(escape("\xc2\x9b"), "\\xc2\\x9b");  // U+009B begins a control sequence
}

TEST(JsonLines, ReadsStringsAndBase64) {
  const auto parsed =
      parse_json_line(R"({"key": {"base64": "/w=="}, "bucket": "b\u0000", "value": "\u00fc"})");
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  EXPECT_EQ(*parsed, record("b\0"s, "\xff", "ü"));
}

TEST(JsonLines, ANullKeyIsABucketWithoutKeys) {
  const auto parsed = parse_json_line(R"({"bucket":"b","key":null})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, (Record{"b", std::nullopt}));
}

TEST(JsonLines, HaveTheTimeAtWhichAKeyExpires) {
  auto expiring = record("b", "k", "v");
  expiring.pair->expires_ms = 1'795'000'000'000;
  const auto line = format_json_line(expiring);
  EXPECT_EQ(line, R"({"bucket":"b","key":"k","value":"v","expires_ms":1795000000000})");
  const auto parsed = parse_json_line(line);
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  EXPECT_EQ(*parsed, expiring);
  for (const char* wrong : {"null", "-1", "1.5", R"("1")", "1795000000000000"}) {
    EXPECT_FALSE(
        parse_json_line(R"({"bucket":"b","key":"k","value":"v","expires_ms":)"s + wrong + "}"))
        << wrong;
  }
  EXPECT_FALSE(parse_json_line(R"({"bucket":"b","key":null,"expires_ms":1})"));
}

TEST(JsonLines, RefusesWhatItDoesNotUnderstand) {
  for (const char* line :
       {"", "[]", "{", R"({"bucket":"b"})", R"({"bucket":"b","key":"k"})",
        R"({"bucket":1,"key":"k","value":"v"})", R"({"bucket":"b","key":"k","value":1})",
        R"({"bucket":"b","key":"k","value":{"base64":"a b="}})",
        R"({"bucket":"b","key":"k","value":{"base64":"!"}})",
        R"({"bucket":"b","key":"k","value":{"base64":"","x":1}})",
        R"({"bucket":"b","key":"k","value":"v","ttl":1})",
        R"({"bucket":"b","key":null,"value":"v"})", "{\"bucket\":\"\xff\",\"key\":null}"}) {
    const auto parsed = parse_json_line(line);
    EXPECT_FALSE(parsed.ok()) << line;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(JsonLines, NothingInALineIsPassedOver) {
  const std::string good = R"({"bucket":"b","key":"k","value":"v"})";
  ASSERT_TRUE(parse_json_line(good));
  for (const auto& line :
       {good + "\0"s, good + "\0"s + good, good + good, "\xef\xbb\xbf" + good, good + ",",
        good + "}", "/**/" + good, R"({"bucket":"b","key":"k","value":"v","value":"w"})"s,
        R"({"bucket":"b","key":"k","k\u0065y":"l","value":"v"})"s,
        R"({"bucket":"b","key":"k","value":{"base64":"","base64":"YQ=="}})"s,
        R"({"bucket":"b","key":"k","value":{"base64":"YR=="}})"s}) {
    EXPECT_FALSE(parse_json_line(line)) << line;
  }
  std::string many = "{";
  for (int i = 0; i < 20000; ++i) many += "\"" + std::to_string(i) + "\":0,";
  EXPECT_FALSE(parse_json_line(many + "\"7\":0}")) << "in a time that does not matter";
}

TEST(JsonLines, RefusalsSayWhereAndWhy) {
  const auto why = [](const std::string& line) { return parse_json_line(line).status().text(); };
  EXPECT_EQ(why(R"({"bucket":"b",key:1})"), "column 15: invalid literal");
  EXPECT_EQ(why("{\"bucket\":\"b\",\"key\":\"k\"\0}"s), "column 24: a NUL byte; write \\u0000");
  EXPECT_EQ(why(R"({"bucket":"b","bucket":"c"})"), R"(has the member "bucket" twice)");
  EXPECT_THAT(why("["), testing::HasSubstr("write one object a line, as jq -c"));
  EXPECT_THAT(why(R"([{"bucket":"b","key":"k","value":"v"}])"), testing::HasSubstr("jq -c '.[]'"));
}

TEST(Tsv, WhatIsWrittenIsTakenForNothingElse) {
  for (const auto& bucket : {"{"s, " {"s, " "s, "  "s, "\xef\xbb\xbf"s, "\xef\xbb\xbf{"s, "[1"s}) {
    for (const auto& original : {record(bucket, "", ""), Record{bucket, std::nullopt}}) {
      const auto line = format_tsv(original);
      EXPECT_FALSE(line.starts_with(' ') || line.starts_with('{') || line.starts_with("\xef"))
          << line;
      std::optional<Format> format;
      EXPECT_FALSE(is_empty_line(line, format)) << line;
      EXPECT_TRUE(decide_format(line, format).ok()) << line;
      EXPECT_EQ(format, Format::kTsv) << line;
      EXPECT_EQ(*parse_tsv(line), original);
    }
  }
}

TEST(Formats, TheFirstLineDecides) {
  const auto format_of = [](std::string_view line) {
    std::optional<Format> format;
    const auto status = decide_format(line, format);
    return status.ok() ? (*format == Format::kTsv ? "tsv" : "jsonl") : "refused";
  };
  EXPECT_STREQ(format_of("b\tk\tv"), "tsv");
  EXPECT_STREQ(format_of(" \t\t"), "tsv");
  EXPECT_STREQ(format_of("b"), "tsv");
  EXPECT_STREQ(format_of("{b}"), "jsonl");
  EXPECT_STREQ(format_of("\t {\"bucket\":\t\"b\", \"key\": null}"), "jsonl");
  EXPECT_STREQ(format_of("{b}\tk\tv"), "refused");
  EXPECT_STREQ(format_of("{"), "refused");
  EXPECT_STREQ(format_of("["), "refused");
  EXPECT_STREQ(format_of("[{\"bucket\":\"b\",\"key\":null}]"), "refused");
  std::optional<Format> given = Format::kTsv;
  EXPECT_TRUE(decide_format("{b}\tk\tv", given).ok());
  EXPECT_TRUE(is_empty_line("", Format::kTsv));
  EXPECT_FALSE(is_empty_line("\t", Format::kTsv));
  EXPECT_FALSE(is_empty_line("\t", std::nullopt));
  EXPECT_FALSE(is_empty_line(" \t\t", std::nullopt));
  EXPECT_TRUE(is_empty_line(" \t ", Format::kJsonLines));
  EXPECT_EQ(format_of_name("a.tsv"), Format::kTsv);
  EXPECT_EQ(format_of_name("a.ndjson"), Format::kJsonLines);
  EXPECT_EQ(format_of_name("a"), std::nullopt);
}

TEST(Formats, AnyBytesSurviveARoundTrip) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "ab \t\n\r\\\"x0{}\0\x7f\x80\xc3\xbc\xe2\x82\xac\xef\xbb\xbf\xff"s;
  const auto bytes = [&] {
    std::string out(random() % 12, '\0');
    for (char& c : out) c = alphabet[random() % alphabet.size()];
    return out;
  };
  for (int i = 0; i < 5000; ++i) {
    Record original = record(bytes(), bytes(), bytes());
    if (i % 50 == 0) original.pair.reset();
    for (const std::string& line : {format_tsv(original), format_json_line(original)}) {
      ASSERT_EQ(line.find('\n'), std::string::npos) << line;
      ASSERT_FALSE(line.ends_with('\r')) << line;
    }
    const auto tsv = parse_tsv(format_tsv(original));
    ASSERT_TRUE(tsv.ok()) << format_tsv(original);
    ASSERT_EQ(*tsv, original);
    const auto json = parse_json_line(format_json_line(original));
    ASSERT_TRUE(json.ok()) << format_json_line(original);
    ASSERT_EQ(*json, original);
  }
}

TEST(Utf8, KnowsTheEdges) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc2", "\xc2g", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

// "number:text", or "number!length" for a line that is too long.
std::vector<std::string> lines_of(const std::string& input, std::size_t chunk, std::size_t max) {
  LineSplitter splitter(max);
  std::vector<std::string> lines;
  const auto take = [&] {
    while (const auto line = splitter.next()) {
      lines.push_back(std::to_string(line->number) + (line->too_long
                                                          ? "!" + std::to_string(line->length)
                                                          : ":" + std::string(line->text)));
    }
  };
  for (std::size_t at = 0; at < input.size(); at += chunk) {
    splitter.push(std::string_view{input}.substr(at, chunk));
    take();
  }
  splitter.finish();
  take();
  return lines;
}

TEST(LineSplitter, GivesTheSameLinesForChunksOfAnySize) {
  const std::string input =
      "one\ntwo\r\n\n12345678\r\n123456789\n" + std::string(100, 'x') + "\nafter\rx\nlast";
  const std::vector<std::string> expected = {"1:one", "2:two", "3:",         "4:12345678",
                                             "5!9",   "6!100", "7:after\rx", "8:last"};
  for (std::size_t chunk = 1; chunk <= input.size(); ++chunk) {
    ASSERT_EQ(lines_of(input, chunk, 8), expected) << "chunks of " << chunk;
  }
}

TEST(LineSplitter, AnOverlongLineMayBeTheLast) {
  for (std::size_t chunk = 1; chunk <= 20; ++chunk) {
    EXPECT_EQ(lines_of("a\n123456789012", chunk, 4), (std::vector<std::string>{"1:a", "2!12"}));
  }
  EXPECT_TRUE(lines_of("", 1, 4).empty());
}

TEST(LineSplitter, TheEndOfAnOverlongLineDoesNotCountWhereverItIsCut) {
  for (std::size_t chunk = 1; chunk <= 20; ++chunk) {
    EXPECT_EQ(lines_of("123456789012\r\nb\r\n", chunk, 4),
              (std::vector<std::string>{"1!12", "2:b"}))
        << "chunks of " << chunk;
    EXPECT_EQ(lines_of("123456789012\r", chunk, 4), (std::vector<std::string>{"1!12"}));
  }
}

}  // namespace
}  // namespace kvmesh::command
