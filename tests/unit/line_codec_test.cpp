// The commands from SET to ABORT: the request that each line becomes, or its answer.

#include "node/line/line_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/text.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"

namespace kvmesh::line {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// One msgpack value, as JSON with bytes for texts.
std::string shown(wire::Reader& in) {
  using Type = wire::Reader::Type;
  switch (in.peek()) {
    case Type::kNil:
      in.read_nil();
      return "nil";
    case Type::kBool:
      return in.read_bool() ? "true" : "false";
    case Type::kUnsigned:
      return std::to_string(in.read_uint());
    case Type::kSigned:
      return std::to_string(in.read_int());
    case Type::kArray: {
      std::string out = "[";
      for (auto left = in.read_array(); left > 0; --left) {
        out += shown(in) + (left > 1 ? ", " : "");
      }
      return out + "]";
    }
    default:
      return in_quotes(in.read_bytes());
  }
}

class LineCodecTest : public testing::Test {
 protected:
  // What a line becomes: "kv.read b [...]", or the text of its answer without its end.
  std::string said(std::string line) {
    line += "\r\n";
    RequestView request;
    const auto message = codec_.next(line, request, scratch_);
    EXPECT_EQ(message.taken, line.size());
    if (message.kind == stream::Message::Kind::kRequest) return call_of(request);
    const std::string reply{message.kind == stream::Message::Kind::kConstant
                                ? codec_.constant(message.tag)
                                : message.reply};
    EXPECT_TRUE(reply.ends_with("\r\n")) << reply;
    return reply.substr(0, reply.size() - 2);
  }
  // Of many lines the last one.
  std::string end_of(const std::vector<std::string>& lines) {
    std::string last;
    for (const auto& line : lines) last = said(line);
    return last;
  }

 private:
  static std::string call_of(const RequestView& request) {
    wire::Buffer record;
    wire::append_request(record, request, RequestId{1}, 5000, nullptr);
    const auto decoded = wire::decode_request(record.view(4));
    if (!decoded) return "no request";
    EXPECT_EQ(decoded->target.kind, Target::Kind::kBucket);
    EXPECT_EQ(decoded->target.name, request.target.name);
    const auto begin = request.body.data();
    EXPECT_TRUE(request.target.name.data() >= begin &&
                request.target.name.data() <= begin + request.body.size())
        << "what the request points to outlives the line";
    wire::Reader in{decoded->args};
    return std::string{decoded->function} + " " + std::string{decoded->target.name} + " " +
           shown(in);
  }

 protected:
  LineCodec codec_{2000};
  stream::RequestScratch scratch_;
};

struct Example {
  std::string line;
  std::string becomes;
};

TEST_F(LineCodecTest, EachCommandBecomesARequest) {
  const std::vector<Example> examples = {
      {"SET b k v", R"(kv.apply b [[], [[0, "k", "v", nil]], nil])"},
      {R"(SET "b b" "k\n" "")", R"(kv.apply b b [[], [[0, "k\n", "", nil]], nil])"},
      {"SET b k v IF 0", R"(kv.apply b [[["k", 0]], [[0, "k", "v", nil]], nil])"},
      {"SET b k v TTL 5", R"(kv.apply b [[], [[0, "k", "v", 5]], nil])"},
      {"SET b k v ONCE 7 TTL 5 IF 18446744073709551615",
       R"(kv.apply b [[["k", 18446744073709551615]], [[0, "k", "v", 5]], )"
       R"("7\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"])"},
      {"SET b k v ONCE 0123456789abcdef",
       R"(kv.apply b [[], [[0, "k", "v", nil]], "0123456789abcdef"])"},
      {"SET b IF IF IF 1", R"(kv.apply b [[["IF", 1]], [[0, "IF", "IF", nil]], nil])"},
      {"UNSET b k", R"(kv.apply b [[], [[1, "k"]], nil])"},
      {"UNSET b k IF 9", R"(kv.apply b [[["k", 9]], [[1, "k"]], nil])"},
      {"READ b \"a key\"", R"(kv.read b [["a key"]])"},
      {"ADD b k 1", R"(kv.apply b [[], [[2, "k", 1, nil]], nil])"},
      {"ADD b k -9223372036854775808 TTL 1",
       R"(kv.apply b [[], [[2, "k", -9223372036854775808, 1]], nil])"},
      {"TOUCH b k 1000", R"(kv.apply b [[], [[3, "k", 1000]], nil])"},
      {"TOUCH b k 0", R"(kv.apply b [[], [[3, "k", nil]], nil])"},
      {"SCAN b", R"(kv.scan b ["", nil, 0, true])"},
      {"SCAN b LIMIT 7 AFTER \"\" PREFIX p", R"(kv.scan b ["p", "", 7, true])"},
      {"SCAN b AFTER AFTER", R"(kv.scan b ["", "AFTER", 0, true])"},
      {"CHANGES b 0", R"(kv.changes b ["", 0, 0, 0])"},
      {"CHANGES b 12 WAIT 10000 PREFIX \"x y\"", R"(kv.changes b ["x y", 12, 0, 10000])"},
  };
  for (const auto& [line, becomes] : examples) EXPECT_EQ(said(line), becomes) << line;
}

TEST_F(LineCodecTest, AWrongNumberOfWordsIsAnUnknownCommand) {
  for (const auto* line : {"SET",
                           "SET b",
                           "SET b k",
                           "SET b k v IF 1 TTL 1 ONCE 1 x",
                           "UNSET b",
                           "UNSET b k 1 2 3 4 5",
                           "READ b",
                           "READ b k x",
                           "ADD b k",
                           "TOUCH b k",
                           "TOUCH b k 1 TTL 1",
                           "SCAN",
                           "SCAN b 1 2 3 4 5 6 7",
                           "CHANGES b",
                           "CHANGES b 1 2 3 4 5 6",
                           "BEGIN",
                           "BEGIN b c",
                           "CHECK k",
                           "CHECK b k 1",
                           "COMMIT 1 2 3",
                           "ABORT x",
                           "set b k v",
                           "\"SET\" b k v",
                           "SET\"b\" k v"}) {
    EXPECT_EQ(said(line), "UNKNOWN COMMAND") << line;
  }
}

TEST_F(LineCodecTest, WhatIsWrongWithAWordIsNamed) {
  const std::vector<Example> examples = {
      {"SET b k \"v", "word 4 of the line has no closing quote"},
      {"SET b k two words", R"(SET takes IF, TTL and ONCE after its other words, not "words")"},
      {"SET b k v if 1", R"(not "if")"},
      {"SET b k v LIMIT 1", R"(not "LIMIT")"},
      {"SET b k v IF", "after IF a word is missing"},
      {"SET b k v TTL 1 TTL 2", "TTL stands there twice"},
      {"SET b k v IF -1", R"(IF: "-1" is no whole number from 0 to 18446744073709551615)"},
      {"SET b k v IF 18446744073709551616", "IF: "},
      {"SET b k v TTL 0", R"(TTL: "0" is no whole number from 1 to 3155760000000)"},
      {"SET b k v TTL 3155760000001", "TTL: "},
      {"SET b k v ONCE \"\"", "ONCE: the id has 0 bytes; it has 1 to 16"},
      {"SET b k v ONCE 0123456789abcdefg", "ONCE: the id has 17 bytes"},
      {"UNSET b k TTL 1", R"(UNSET takes IF and ONCE after its other words, not "TTL")"},
      {"ADD b k 9223372036854775808", R"(delta: "9223372036854775808" is no whole number from -9)"},
      {"ADD b k +1", "delta: "},
      {"ADD b k 1.5", "delta: "},
      {"ADD b k \"\"", "delta: "},
      {"ADD b k 1 IF 1", R"(ADD takes TTL and ONCE after)"},
      {"TOUCH b k -1", R"(ms: "-1" is no whole number from 0 to 3155760000000)"},
      {"SCAN b LIMIT 0", R"(LIMIT: "0" is no whole number from 1 to 10000)"},
      {"SCAN b LIMIT 10001", "LIMIT: "},
      {"CHANGES b x", R"(rev: "x" is no whole number)"},
      {"CHANGES b 0 WAIT 10001", R"(WAIT: "10001" is no whole number from 0 to 10000)"},
      {"CHECK k 1", "CHECK wants a BEGIN bucket before it"},
      {"COMMIT", "COMMIT wants a BEGIN bucket before it"},
      {"ABORT", "ABORT wants a BEGIN bucket before it"},
      {"COMMIT ONCE", "after ONCE a word is missing"},
  };
  for (const auto& [line, text] : examples) {
    EXPECT_THAT(said(line), StartsWith("ERROR invalid_argument ")) << line;
    EXPECT_THAT(said(line), HasSubstr(text)) << line;
  }
}

TEST_F(LineCodecTest, TheGuidesCommandsKnowNoQuotes) {
  RequestView request;
  stream::RequestScratch scratch;
  LineCodec codec;
  const auto message = codec.next("PUT \"b k\" \"v\r\n", request, scratch);
  EXPECT_EQ(message.kind, stream::Message::Kind::kRequest);
  EXPECT_EQ(request.target.name, "\"b");
  EXPECT_EQ(request.words[0].bytes, "k\"");
  EXPECT_EQ(request.words[1].bytes, "\"v");
}

TEST_F(LineCodecTest, ATransactionIsOneRequest) {
  for (const auto* line : {"BEGIN \"b b\"", "CHECK k 7", "SET k v", "SET \"k 2\" v TTL 5",
                           "UNSET u", "ADD n -1", "ADD m 1 TTL 2", "TOUCH t 3", "CHECK \"\" 0"}) {
    EXPECT_EQ(said(line), "OK") << line;
  }
  EXPECT_EQ(said("COMMIT"),
            R"(kv.apply b b [[["k", 7], ["", 0]], [[0, "k", "v", nil], [0, "k 2", "v", 5], )"
            R"([1, "u"], [2, "n", -1, nil], [2, "m", 1, 2], [3, "t", 3]], nil])");
  EXPECT_THAT(said("COMMIT"), HasSubstr("wants a BEGIN"));
  EXPECT_EQ(said("SET b k v"), R"(kv.apply b [[], [[0, "k", "v", nil]], nil])");
  EXPECT_EQ(
      end_of({"BEGIN b", "COMMIT ONCE x"}),
      R"(kv.apply b [[], [], "x\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"])");
}

TEST_F(LineCodecTest, OtherCommandsAreExecutedMeanwhile) {
  EXPECT_EQ(end_of({"BEGIN b", "SET k v", "READ b k"}), R"(kv.read b [["k"]])");
  EXPECT_EQ(said("PING"), "PONG");
  EXPECT_EQ(said("COMMIT"), R"(kv.apply b [[], [[0, "k", "v", nil]], nil])");
}

TEST_F(LineCodecTest, AnAbortForgetsAll) {
  EXPECT_EQ(end_of({"BEGIN b", "SET k v", "ABORT"}), "OK");
  EXPECT_EQ(end_of({"BEGIN c", "COMMIT"}), "kv.apply c [[], [], nil]");
}

TEST_F(LineCodecTest, ALineThatIsRefusedMakesTheTransactionFail) {
  const std::vector<Example> examples = {
      {"SET k v IF 1",
       "invalid_argument nothing was changed: line 2 of the transaction: SET takes TTL"},
      {"SET b k v", "invalid_argument nothing was changed: line 2 of the transaction: "},
      {"UNSET b k",
       "invalid_argument nothing was changed: line 2 of the transaction: UNKNOWN COMMAND"},
      {"SET k \"", "invalid_argument nothing was changed: line 2 of the transaction: word 3 "},
      {"CHECK k x", "invalid_argument nothing was changed: line 2 of the transaction: rev: "},
      {"BEGIN b",
       "invalid_argument nothing was changed: line 2 of the transaction: BEGIN stands in"},
      {"SETT k v",
       "invalid_argument nothing was changed: line 2 of the transaction: UNKNOWN COMMAND"},
      {"PUT k v",
       "invalid_argument nothing was changed: line 2 of the transaction: UNKNOWN COMMAND"},
      {"", "invalid_argument nothing was changed: line 2 of the transaction: UNKNOWN COMMAND"},
      {"CHECK " + std::string(1025, 'k') + " 1",
       "too_large nothing was changed: line 2 of the transaction: key of 1025 bytes"},
      {"SET k " + std::string(2000, 'v'),
       "too_large nothing was changed: line 2 of the transaction: line of "},
  };
  for (const auto& [line, text] : examples) {
    EXPECT_EQ(end_of({"BEGIN b", "SET first v"}), "OK");
    const auto refusal = said(line);
    EXPECT_TRUE(refusal.starts_with("ERROR ") || refusal == "UNKNOWN COMMAND") << refusal;
    EXPECT_THAT(said("SET more v"), StartsWith("ERROR ")) << line;
    EXPECT_THAT(said("CHECK more 1"), HasSubstr("has failed before; ABORT or COMMIT ends it"));
    EXPECT_THAT(said("COMMIT"), StartsWith("ERROR " + text)) << line;
    EXPECT_THAT(said("COMMIT"), HasSubstr("wants a BEGIN")) << line;
  }
  EXPECT_EQ(end_of({"BEGIN b", "SETT", "ABORT"}), "OK");
  EXPECT_EQ(end_of({"BEGIN b", "COMMIT"}), "kv.apply b [[], [], nil]");
}

TEST_F(LineCodecTest, ATransactionHasBounds) {
  said("BEGIN b");
  for (int i = 0; i < 128; ++i) {
    EXPECT_EQ(said("SET k" + std::to_string(i) + " v"), "OK");
    EXPECT_EQ(said("CHECK k" + std::to_string(i) + " 0"), "OK");
  }
  EXPECT_THAT(said("COMMIT"), StartsWith("kv.apply b [[[\"k0\", 0], "));
  said("BEGIN b");
  for (int i = 0; i < 128; ++i) EXPECT_EQ(said("SET k" + std::to_string(i) + " v"), "OK");
  EXPECT_EQ(said("UNSET x"),
            "ERROR too_large a transaction has at most 128 changes; this is one more");
  EXPECT_THAT(said("COMMIT"), StartsWith("ERROR too_large nothing was changed: line 129 "));
  said("BEGIN b");
  for (int i = 0; i < 128; ++i) EXPECT_EQ(said("CHECK k" + std::to_string(i) + " 1"), "OK");
  EXPECT_EQ(said("CHECK x 1"),
            "ERROR too_large a transaction has at most 128 checks; this is one more");
  EXPECT_EQ(said("ABORT"), "OK");
}

TEST(LineTransaction, HasABoundOfItsBytes) {
  const auto set = [](std::string_view key, std::string_view value) {
    DataCommand out;
    out.verb = Verb::kSet;
    out.key = key;
    out.value = value;
    return out;
  };
  Transaction transaction{"b"};
  const std::string half(limits::kApplyBytesMax / 2 - 1, 'v');
  EXPECT_TRUE(transaction.add(set("1", half)).ok());
  EXPECT_TRUE(transaction.add(set("2", half)).ok());
  EXPECT_GT(transaction.bytes(), limits::kApplyBytesMax);
  EXPECT_EQ(transaction.add(set("3", "")).code(), StatusCode::kTooLarge);
  EXPECT_LT(transaction.bytes(), 1000U) << "what has failed keeps nothing";
  wire::Buffer scratch;
  EXPECT_EQ(transaction.commit({}, scratch).status().code(), StatusCode::kTooLarge);
}

TEST(LineTransaction, IsGivenUpWhenMemoryIsShort) {
  LineCodec codec;
  stream::RequestScratch scratch;
  RequestView request;
  EXPECT_EQ(codec.kept_bytes(), 0U);
  (void)codec.next("BEGIN b\r\n", request, scratch);
  (void)codec.next("SET k " + std::string(100'000, 'v') + "\r\n", request, scratch);
  EXPECT_GT(codec.kept_bytes(), 100'000U);
  codec.keep_no_more();
  EXPECT_LT(codec.kept_bytes(), 1000U);
  const auto message = codec.next("COMMIT\r\n", request, scratch);
  EXPECT_EQ(message.kind, stream::Message::Kind::kAnswered);
  EXPECT_THAT(std::string{message.reply}, StartsWith("ERROR overloaded nothing was changed: "));
  EXPECT_EQ(codec.kept_bytes(), 0U);
}

// AUTH and WHOAMI, and what may be said before.
class LineLogin : public LineCodecTest {
 protected:
  stream::Message next(std::string line) {
    line_ = std::move(line) + "\r\n";
    RequestView request;
    return codec_.next(line_, request, scratch_);
  }

  std::string line_;
};

TEST_F(LineLogin, AuthHasAUserAndASecretOfAnyBytes) {
  auto message = next("AUTH app1 sesame");
  ASSERT_EQ(message.kind, stream::Message::Kind::kLogin);
  EXPECT_EQ(message.user, "app1");
  EXPECT_EQ(message.secret, "sesame");
  EXPECT_EQ(codec_.constant(message.tag), "OK\r\n");
  message = next(R"(AUTH app1 "open \"sesame\x21\"")");
  EXPECT_EQ(message.secret, "open \"sesame!\"");
  codec_.wipe_secret();
  EXPECT_EQ(next("WHOAMI").kind, stream::Message::Kind::kWhoAmI);
  wire::Buffer out;
  codec_.append_identity(out, "app1");
  codec_.append_identity(out, "");
  EXPECT_EQ(out.view(), "app1\r\nOK\r\nanonymous\r\nOK\r\n");
}

TEST_F(LineLogin, ALockedLineIsShort) {
  LineCodec codec;
  codec.set_locked(true);
  EXPECT_EQ(codec.input_max(), 4098U);
}

TEST_F(LineLogin, NothingOfAnAuthThatIsWrongIsTold) {
  const std::string takes =
      "ERROR invalid_argument AUTH takes a user and a secret, in quotes when they hold blanks or "
      "quotes\r\n";
  for (const auto* line :
       {"AUTH", "AUTH hunter2", "AUTH app1 hunter2 hunter2", R"(AUTH app1 "hunter2)",
        R"(AUTH app1 "hunter\2")", R"(AUTH app1 "hunter"2)"}) {
    EXPECT_EQ(next(line).reply, takes) << line;
  }
  EXPECT_EQ(said("BEGIN b"), "OK");
  EXPECT_EQ(said("AUTH app1 hunter2"), "ERROR invalid_argument AUTH cannot stand in a transaction");
  EXPECT_THAT(said("COMMIT"), HasSubstr("AUTH cannot stand in a transaction"));
}

TEST_F(LineLogin, WhileItIsLockedThereIsLittleToSay) {
  codec_.set_locked(true);
  for (const auto* line : {"GET b k", "CREATE b", "BEGIN b", "COMMIT", "ABORT", "SCAN b", "hello",
                           "", "READ b \"", "KEYS b AFTER k"}) {
    EXPECT_EQ(said(line), "ERROR denied say AUTH user secret first") << line;
  }
  EXPECT_EQ(said("PING"), "PONG");
  EXPECT_THAT(said("HELP"), HasSubstr("AUTH user secret"));
  EXPECT_EQ(next("WHOAMI").kind, stream::Message::Kind::kWhoAmI);
  EXPECT_EQ(next("AUTH app1 " + std::string(1900, 'x')).kind, stream::Message::Kind::kLogin);
  EXPECT_TRUE(next("QUIT").ends_input);
  EXPECT_LE(codec_.input_max(), 2002U);
  EXPECT_EQ(LineCodec{}.input_max(), limits::kLineBytesMax + 2);
  const auto message = next("AUTH app1 " + std::string(5000, 'x'));
  EXPECT_THAT(message.reply, StartsWith("ERROR too_large "));
  EXPECT_TRUE(message.ends_input);
  codec_.set_locked(false);
  EXPECT_THAT(said("READ b k"), StartsWith("kv.read b "));
}

}  // namespace
}  // namespace kvmesh::line
