// The texts of the replies to the commands from SET to COMMIT.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "node/line/reply_text.h"
#include "tests/unit/random_msgpack.h"

namespace kvmesh::line {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)
using testing::EndsWith;
using testing::StartsWith;

constexpr Verb kVerbs[] = {Verb::kSet,   Verb::kUnset, Verb::kRead,    Verb::kAdd,
                           Verb::kTouch, Verb::kScan,  Verb::kChanges, Verb::kCommit};

std::string text_of(Verb verb, std::string_view result, StatusCode code = StatusCode::kOk) {
  ReplyView reply;
  reply.code = code;
  reply.text = "why";
  reply.result = result;
  wire::Buffer out;
  out.append("before;");
  append_reply_text(out, verb, reply);
  EXPECT_THAT(std::string{out.view()}, StartsWith("before;"));
  return std::string{out.view(7)};
}

struct Example {
  Verb verb;
  std::string result;  // msgpack: a2 6b 6b is "kk", c4 01 76 the byte v
  std::string text;
};

const std::string kMalformed =
    "ERROR protocol_error the node that answered sent a result of another form\r\n";

TEST(ReplyData, EachResultHasItsLines) {
  const std::vector<Example> examples = {
      {Verb::kSet, "\x93\xc3\x07\x91\xc3", "OK 7\r\n"},
      {Verb::kSet, "\x94\xc2\x09\x00\x05"s, "CONFLICT 5\r\n"},
      {Verb::kUnset, "\x93\xc3\xcf\x00\x1a\x21\xd1\xf1\x20\x10\x00\x91\xc2"s,
       "OK 7355534971768832\r\n"},
      {Verb::kUnset, "\x94\xc2\x09\x00\x00"s, "CONFLICT 0\r\n"},
      {Verb::kTouch, "\x93\xc3\x07\x91\xc2", "OK 7\r\n"},
      {Verb::kAdd, "\x93\xc3\x07\x91\x05", "5\r\nOK 7\r\n"},
      {Verb::kAdd, "\x93\xc3\x07\x91\xd0\x80", "-128\r\nOK 7\r\n"},
      {Verb::kAdd, "\x93\xc3\x07\x91\xc3",
       "ERROR invalid_argument ONCE: a call of another kind was executed under this id\r\n"},
      {Verb::kCommit, "\x93\xc3\x07\x90", "OK 7\r\n"},
      {Verb::kCommit, "\x93\xc3\x07\x92\xc3\x05", "OK 7\r\n"},
      {Verb::kCommit, "\x94\xc2\x09\x02\x05", "CONFLICT 5 3\r\n"},
      {Verb::kRead, "\x92\x09\x91\xc0", "0 0\r\n\r\nOK\r\n"},
      {Verb::kRead, "\x92\x09\x91\x93\x07\xc4\x01v\xc0", "7 0\r\nv\r\nOK\r\n"},
      {Verb::kRead, "\x92\x09\x91\x93\x07\xc4\x03\r\n\"\x64", "7 100\r\n\"\\r\\n\\\"\"\r\nOK\r\n"},
      {Verb::kRead, "\x92\x09\x91\x93\x07\xc4\x00\xc0"s, "7 0\r\n\"\"\r\nOK\r\n"},
      {Verb::kScan, "\x93\xc2\x09\x90", "0\r\nOK 9\r\n"},
      {Verb::kScan,
       "\x93\xc3\x09\x92\x94\xc4\x01k\x07\xc0\xc4\x01v\x94\xc4\x03k l\x08\x64\xc4\x00"s,
       "2\r\nk 7 v\r\n\"k l\" 8 \"\" TTL 100\r\nOK MORE 9\r\n"},
      {Verb::kChanges, "\x93\xc2\x09\x90", "0\r\nOK 9\r\n"},
      {Verb::kChanges, "\x93\xc3\x09\x90", "RESET 9\r\n"},
      {Verb::kChanges,
       "\x93\xc2\x09\x97\x95\x01\x00\xc4\x01k\xc0\xc4\x01v\x95\x02\x00\xc4\x01k\x64\xc4\x00"
       "\x93\x03\x01\xc4\x01k\x94\x04\x02\xc4\x01k\x64\x94\x05\x02\xc4\x01k\xc0"
       "\x93\x06\x03\xc4\x02\n\xff\x92\x07\x04"s,
       "7\r\n1 PUT k v\r\n2 PUT k \"\" TTL 100\r\n3 DELETE k\r\n4 TOUCH k TTL 100\r\n5 TOUCH k\r\n"
       "6 EXPIRE \"\\n\xff\"\r\n7 DROP\r\nOK 9\r\n"},
  };
  for (const auto& [verb, result, text] : examples) EXPECT_EQ(text_of(verb, result), text);
}

TEST(ReplyData, AFailureTakesThePlaceOfTheReply) {
  for (const auto verb : kVerbs) {
    EXPECT_EQ(text_of(verb, "\xc0", StatusCode::kNotFound), "NOT FOUND\r\n");
    EXPECT_EQ(text_of(verb, "\xc0", StatusCode::kFull), "ERROR full why\r\n");
  }
}

TEST(ReplyData, AResultOfAnotherFormIsTheAnsweringNodesFault) {
  for (const auto verb : kVerbs) {
    for (const auto& result : {""s, "\xc0"s, "\x90"s, "\x93"s, "\x07"s, "\x92\xc3\x07"s,
                               "\x93\xc3\xa1x\x90"s, "\x93\xc2\x09\xdd\xff\xff\xff\xff"s}) {
      EXPECT_EQ(text_of(verb, result), kMalformed) << static_cast<int>(verb);
    }
  }
  EXPECT_EQ(text_of(Verb::kAdd, "\x93\xc3\x07\x90"), kMalformed);
  EXPECT_EQ(text_of(Verb::kAdd, "\x93\xc3\x07\x91\xa1x"), kMalformed);
  EXPECT_EQ(text_of(Verb::kRead, "\x92\x09\x92\xc0\xc0"), kMalformed);
  EXPECT_EQ(text_of(Verb::kChanges, "\x93\xc2\x09\x91\x92\x01\x05"), kMalformed);
  EXPECT_EQ(text_of(Verb::kChanges, "\x93\xc2\x09\x91\x93\x01\x04\xc0"), kMalformed);
}

TEST(ReplyData, WhateverAPeerAnswersTheLinesStayWhole) {
  RandomMsgpack random{test_seed()};
  const std::vector<std::string> good = {"\x93\xc3\x07\x91\x05", "\x94\xc2\x09\x02\x05",
                                         "\x92\x09\x91\x93\x07\xc4\x01v\xc0",
                                         "\x93\xc3\x09\x91\x94\xc4\x01k\x07\xc0\xc4\x01v",
                                         "\x93\xc2\x09\x91\x95\x01\x00\xc4\x01k\xc0\xc4\x01v"s};
  for (int round = 0; round < 20'000; ++round) {
    const auto result =
        random.broken(random.below(2) == 0 ? good[random.below(good.size())] : random.value(3));
    const auto lines = text_of(kVerbs[random.below(std::size(kVerbs))], result);
    ASSERT_THAT(lines, EndsWith("\r\n")) << round;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i] == '\r') {
        ASSERT_EQ(lines[i + 1], '\n') << round;
      }
      if (lines[i] == '\n') {
        ASSERT_EQ(lines[i - 1], '\r') << round;
      }
    }
    if (lines.starts_with("ERROR ")) {
      ASSERT_EQ(std::ranges::count(lines, '\n'), 1) << round;
    }
  }
}

}  // namespace
}  // namespace kvmesh::line
