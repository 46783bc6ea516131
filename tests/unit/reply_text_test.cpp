// The texts of the line protocol: for every verb and code, and whatever a peer may have answered.

#include "node/line/reply_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "tests/unit/random_msgpack.h"

namespace kvmesh::line {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Verb kRequests[] = {Verb::kCreate, Verb::kPut,  Verb::kGet,  Verb::kDelete,
                              Verb::kDrop,   Verb::kKeys, Verb::kRoute};

std::string packed(const std::function<void(wire::Buffer&)>& pack) {
  wire::Buffer out;
  pack(out);
  return std::string{out.view()};
}
std::string bin(std::string_view bytes) {
  return packed([&](wire::Buffer& out) { wire::pack_bin(out, bytes); });
}
std::string page(bool more, const std::vector<std::string>& keys) {
  return packed([&](wire::Buffer& out) {
    wire::pack_array(out, 2);
    wire::pack_bool(out, more);
    wire::pack_array(out, keys.size());
    for (const auto& key : keys) wire::pack_bin(out, key);
  });
}

// After what stands in the buffer already, which must stay.
std::string shown_reply(Verb verb, const ReplyView& reply) {
  wire::Buffer out;
  out.append("before;");
  append_reply_text(out, verb, reply);
  EXPECT_THAT(std::string{out.view()}, StartsWith("before;"));
  return std::string{out.view(7)};
}
std::string shown_reply(Verb verb, std::string_view result) {
  ReplyView reply;
  reply.result = result;
  return shown_reply(verb, reply);
}

TEST(ReplyText, EveryCodeHasItsLineForEveryVerb) {
  for (int number = 0; number < kStatusCodeCount; ++number) {
    const auto code = static_cast<StatusCode>(number);
    for (const auto verb : kRequests) {
      ReplyView reply;
      reply.code = code;
      reply.text = "what happened";
      const std::string result = verb == Verb::kKeys ? page(false, {}) : "\xc0";
      reply.result = result;
      std::string expected = "ERROR " + std::string{to_string(code)} + " what happened\r\n";
      if (code == StatusCode::kNotFound) expected = "NOT FOUND\r\n";
      if (code == StatusCode::kOk) {
        expected = "OK\r\n";
        if (verb == Verb::kGet) expected = "\r\nOK\r\n";
        if (verb == Verb::kKeys) expected = "0\r\nOK\r\n";
      }
      EXPECT_EQ(shown_reply(verb, reply), expected) << to_string(code);
    }
  }
}

TEST(ReplyText, GetGivesTheValueAsItIs) {
  EXPECT_EQ(shown_reply(Verb::kGet, bin("1")), "1\r\nOK\r\n");
  EXPECT_EQ(shown_reply(Verb::kGet, bin("")), "\r\nOK\r\n");
  EXPECT_EQ(shown_reply(Verb::kGet, "\xa1v"), "v\r\nOK\r\n") << "str, from other languages";
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != '\r' && byte != '\n') bytes += static_cast<char>(byte);
  }
  EXPECT_EQ(shown_reply(Verb::kGet, bin(bytes)), bytes + "\r\nOK\r\n");
  const std::string longest(limits::kValueBytesMax, 'v');
  EXPECT_EQ(shown_reply(Verb::kGet, bin(longest)), longest + "\r\nOK\r\n");
}

TEST(ReplyText, AValueWithALineBreakIsNotText) {
  for (const auto* value : {"\r", "\n", "a\nb", "a\r\nOK\r\n"}) {
    EXPECT_THAT(shown_reply(Verb::kGet, bin(value)), StartsWith("ERROR not_text the value of "));
  }
}

TEST(ReplyText, KeysGivesTheirNumberAndALineEach) {
  EXPECT_EQ(shown_reply(Verb::kKeys, page(false, {"a", "b b"})), "2\r\na\r\nb b\r\nOK\r\n");
  EXPECT_EQ(shown_reply(Verb::kKeys, page(true, {"a"})), "1\r\na\r\nOK MORE\r\n");
  EXPECT_THAT(shown_reply(Verb::kKeys, page(true, {"a", "b\r\nc"})),
              StartsWith("ERROR not_text the key \"b\\r\\nc\" "));
}

TEST(ReplyText, AResultOfAnotherFormIsTheAnsweringNodesFault) {
  const std::string array_of_many = "\x92\xc2\xdd\xff\xff\xff\xff\xa1k";
  for (const auto& [verb, result] : std::vector<std::pair<Verb, std::string>>{
           {Verb::kGet, "\x07"},
           {Verb::kGet, "\x90"},
           {Verb::kGet, ""},
           {Verb::kGet, "\xc4\x05zz"},
           {Verb::kKeys, "\xc0"},
           {Verb::kKeys, ""},
           {Verb::kKeys, "\x91\xc2"},
           {Verb::kKeys, "\x92\xc2\xc0"},
           {Verb::kKeys, "\x92\x01\x90"},
           {Verb::kKeys, "\x92\xc2\x91\x05"},
           {Verb::kKeys, array_of_many},
       }) {
    EXPECT_EQ(shown_reply(verb, result),
              "ERROR protocol_error the node that answered sent a result of another form\r\n");
  }
}

TEST(ReplyText, WhateverAPeerAnswersTheLinesStayWhole) {
  RandomMsgpack random{test_seed()};
  for (int round = 0; round < 20'000; ++round) {
    const auto result =
        random.broken(random.below(2) == 0 ? page(true, {"a", "b"}) : random.value(3));
    const auto text = random.bytes(random.below(20));
    ReplyView reply;
    reply.result = result;
    reply.trace = result;
    reply.text = text;
    reply.code = static_cast<StatusCode>(random.below(3) * 3);
    const auto verb = kRequests[random.below(std::size(kRequests))];
    const auto lines = shown_reply(verb, reply);
    ASSERT_THAT(lines, EndsWith("\r\n")) << round;
    // Every CR and LF belongs to a line's end.
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i] == '\r') {
        ASSERT_EQ(lines[i + 1], '\n') << round;
      }
      if (lines[i] == '\n') {
        ASSERT_EQ(lines[i - 1], '\r') << round;
      }
    }
    const auto count = std::ranges::count(lines, '\n');
    if (lines.starts_with("ERROR ")) {
      ASSERT_EQ(count, 1) << round;
    }
    if (verb == Verb::kGet && reply.code == StatusCode::kOk) {
      ASSERT_LE(count, 2) << round;
    }
  }
}

std::string trace_of(const std::vector<wire::TraceHop>& hops) {
  return packed([&](wire::Buffer& out) {
    for (const auto& hop : hops) wire::append_trace_hop(out, hop);
  });
}
std::string route_text(const std::string& trace) {
  ReplyView reply;
  reply.trace = trace;
  reply.result = "\xa5g@hxx";
  return shown_reply(Verb::kRoute, reply);
}

TEST(ReplyText, RouteGivesALineForEveryHop) {
  EXPECT_EQ(route_text(trace_of(
                {{"gate@h", "n..z", "bar@h", 9, 0, 0, 1}, {"bar@h", "*", "bar@h", 5, 1, 0, 0}})),
            "gate@h n..z -> bar@h\r\nbar@h * -> here\r\nOK\r\n");
}

TEST(ReplyText, ATraceThatIsNoneIsTheAnsweringNodesFault) {
  const std::string good = trace_of({{"gate@h", "n..z", "bar@h", 9, 0, 0, 1}});
  for (const auto& trace :
       {good + "\xc0", std::string{"\xc0"}, good + trace_of({{"a\r\nOK", "*", "b", 0, 0, 0, 0}}),
        good + trace_of({{"a", "*\n", "b", 0, 0, 0, 0}}),
        good + trace_of({{"a", "*", "b\r", 0, 0, 0, 0}})}) {
    EXPECT_THAT(route_text(trace), StartsWith("ERROR protocol_error "));
  }
}

TEST(ReplyText, AnErrorIsOneLineOfBoundedLength) {
  wire::Buffer out;
  append_error(out, StatusCode::kNoRoute, "first\r\nsecond\nthird\rOK");
  EXPECT_EQ(out.view(), "ERROR no_route first  second third OK\r\n");
  out.clear();
  append_error(out, StatusCode::kInternal, std::string(1'000'000, 'x'));
  EXPECT_EQ(out.size(), std::string{"ERROR internal \r\n"}.size() + limits::kErrorTextBytesMax);
  out.clear();
  append_error(out, StatusCode::kInternal, "");
  EXPECT_EQ(out.view(), "ERROR internal \r\n");
}

TEST(ReplyText, TheAdaptersOwnReplies) {
  const auto own = [](Verb verb) { return std::string{own_reply(verb)}; };
  EXPECT_EQ(own(Verb::kPing), "PONG\r\n");
  EXPECT_EQ(own(Verb::kQuit), "OK\r\n");
  EXPECT_EQ(own(Verb::kUnknown), "UNKNOWN COMMAND\r\n");
  const auto help = own(Verb::kHelp);
  EXPECT_THAT(help, EndsWith("\r\nOK\r\n"));
  for (const auto* word :
       {"CREATE", "PUT", "GET", "DELETE", "DROP", "KEYS", "ROUTE", "PING", "QUIT"}) {
    EXPECT_THAT(help, HasSubstr(word));
  }
}

}  // namespace
}  // namespace kvmesh::line
