// Requests and replies as records: what goes in comes out, a hop changes only what it must, and
// limits hold exactly. The bytes themselves are in common/vectors and vectors_test.cpp.

#include "common/wire/record.h"

#include <gtest/gtest.h>

#include <string>

#include <kvmesh/limits.h>

#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "tests/unit/random_msgpack.h"

namespace kvmesh::wire {
namespace {

// The only record in `out`.
std::string_view only_record(const Buffer& out) {
  std::string_view run = out.view();
  std::optional<Refusal> refusal;
  const auto record = next_record(run, refusal);
  EXPECT_TRUE(record && run.empty());
  return record.value_or("");
}

RequestView put_request(Buffer& scratch, std::string_view bucket, std::string_view key,
                        std::string_view value) {
  return make_request(scratch, {Target::Kind::kBucket, bucket}, "kv.put", [&](Buffer& args) {
    pack_array(args, 2);
    pack_bin(args, key);
    pack_bin(args, value);
  });
}

TEST(Request, ComesOutAsItWentIn) {
  Buffer scratch;
  auto request = put_request(scratch, "shopping", "milk", "1");
  request.flags = RequestView::kFlagTrace | 1U << 9;
  Buffer out;
  append_request(out, request, RequestId{77}, 1234, nullptr);

  const auto got = decode_request(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id.value, 77U);
  EXPECT_EQ(got->timeout_ms, 1234U);
  EXPECT_EQ(got->flags, 513U) << "unknown flags are kept";
  EXPECT_TRUE(got->traced());
  EXPECT_EQ(got->hops, 0U);
  EXPECT_EQ(got->path, "");
  EXPECT_EQ(got->target.kind, Target::Kind::kBucket);
  EXPECT_EQ(got->target.name, "shopping");
  EXPECT_EQ(got->function, "kv.put");
  EXPECT_EQ(got->args, request.args);
  EXPECT_EQ(got->body, request.body);
}

TEST(Request, MaySayWhoAsks) {
  Buffer scratch;
  auto request = put_request(scratch, "shopping", "milk", "1");
  request.who = "app1";
  Buffer out;
  const PathStep step{"foo@h", "*"};
  append_request(out, request, RequestId{77}, 1234, &step);
  const auto got = decode_request(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->who, "app1");
  EXPECT_EQ(got->hops, 1U);
  EXPECT_EQ(got->body, request.body);

  for (const std::string& who : {std::string{}, std::string(limits::kNodeNameBytesMax + 1, 'x')}) {
    Buffer record;
    pack_array(record, 8);
    for (int i = 0; i < 3; ++i) pack_uint(record, 1);
    pack_array(record, 0);
    pack_str(record, who);
    record.append(request.body);
    EXPECT_FALSE(decode_request(record.view())) << "who of " << who.size() << " bytes";
  }
}

TEST(Request, OfEachTargetIsToldApart) {
  for (const auto kind : {Target::Kind::kHere, Target::Kind::kNode, Target::Kind::kBucket}) {
    const std::string name = kind == Target::Kind::kHere ? "" : "same@name";
    Buffer scratch;
    const auto request =
        make_request(scratch, {kind, name}, "node.name", [](Buffer& args) { pack_array(args, 0); });
    Buffer out;
    append_request(out, request, RequestId{1}, 1, nullptr);
    const auto got = decode_request(only_record(out));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->target.kind, kind);
    EXPECT_EQ(got->target.name, name);
  }
}

TEST(Request, GrowsItsPathAndKeepsItsBodyOnEveryHop) {
  Buffer scratch;
  Buffer out;
  const auto first = put_request(scratch, "shopping", "milk", "1");
  append_request(out, first, RequestId{1}, 5000, nullptr);
  const std::string body{first.body};

  std::string record{only_record(out)};
  for (std::uint32_t hop = 1; hop <= limits::kHopsMax; ++hop) {
    const auto request = decode_request(record);
    ASSERT_TRUE(request) << hop;
    const auto node = "node" + std::to_string(hop) + "@h";
    const PathStep step{node, "a..m"};
    Buffer next;
    append_request(next, *request, RequestId{hop}, 5000 - hop, &step);
    record = only_record(next);
  }
  const auto last = decode_request(record);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->hops, limits::kHopsMax);
  EXPECT_EQ(last->body, body);
  EXPECT_EQ(last->timeout_ms, 5000U - limits::kHopsMax);
  auto path = last->path;
  for (std::uint32_t hop = 1; hop <= limits::kHopsMax; ++hop) {
    const auto step = take_path_step(path);
    ASSERT_TRUE(step);
    EXPECT_EQ(step->node, "node" + std::to_string(hop) + "@h");
    EXPECT_EQ(step->entry, "a..m");
  }
  EXPECT_EQ(take_path_step(path), std::nullopt);

  const PathStep one_more{"n@h", "*"};
  Buffer over;
  append_request(over, *last, RequestId{1}, 1, &one_more);
  EXPECT_FALSE(decode_request(only_record(over))) << "hop 17";
}

TEST(Request, PathNamesAreBounded) {
  Buffer scratch;
  const auto request = put_request(scratch, "shopping", "milk", "1");
  const std::string longest(limits::kNodeNameBytesMax, 'n');
  const std::string longer = longest + 'n';
  const auto decodes = [&](std::string_view node, std::string_view entry) {
    const PathStep step{node, entry};
    Buffer out;
    append_request(out, request, RequestId{1}, 1, &step);
    return decode_request(only_record(out)).has_value();
  };
  EXPECT_TRUE(decodes(longest, longest));
  EXPECT_FALSE(decodes(longer, "*"));
  EXPECT_FALSE(decodes("n@h", longer));
}

// limits.h and record.h promise this: whatever a client may send still fits a record when it has
// passed all hops.
TEST(Request, OfTheLargestBodyFitsAfterAllHops) {
  Buffer scratch;
  const std::string filler(limits::kBodyBytesMax - 64, 'v');
  auto request = put_request(scratch, "b", "k", filler);
  ASSERT_LE(request.body.size(), limits::kBodyBytesMax);
  const std::string value = filler + std::string(limits::kBodyBytesMax - request.body.size(), 'v');
  request = put_request(scratch, "b", "k", value);
  ASSERT_EQ(request.body.size(), limits::kBodyBytesMax);

  Buffer path;
  for (std::uint32_t i = 0; i < 2 * (limits::kHopsMax - 1); ++i) {
    pack_str(path, std::string(limits::kNodeNameBytesMax, 'n'));
  }
  request.path = path.view();
  request.hops = limits::kHopsMax - 1;
  request.flags = ~std::uint64_t{0};
  const std::string name(limits::kNodeNameBytesMax, 'n');
  const PathStep step{name, name};
  Buffer out;
  append_request(out, request, RequestId{~std::uint64_t{0}}, ~std::uint64_t{0}, &step);
  EXPECT_TRUE(decode_request(only_record(out)));
}

TEST(Request, OfTheLargestPutIsWithinTheBodyLimit) {
  Buffer scratch;
  const auto request =
      put_request(scratch, std::string(limits::kBucketNameBytesMax, 'b'),
                  std::string(limits::kKeyBytesMax, 'k'), std::string(limits::kValueBytesMax, 'v'));
  EXPECT_LE(request.body.size(), limits::kBodyBytesMax);
}

TEST(Request, IsBuiltAnewInTheSameScratch) {
  Buffer scratch;
  put_request(scratch, "first", "k", std::string(100, 'v'));
  const auto second = put_request(scratch, "b", "k", "v");
  EXPECT_EQ(second.body, scratch.view());
  EXPECT_TRUE(second.body.ends_with(second.args));
}

ReplyView reply_of(StatusCode code, std::string_view text, std::string_view result) {
  ReplyView reply;
  reply.code = code;
  reply.text = text;
  reply.result = result;
  return reply;
}

TEST(Reply, ComesOutAsItWentIn) {
  Buffer result;
  pack_bin(result, "1");
  Buffer out;
  append_reply(out, reply_of(StatusCode::kOk, "", result.view()), RequestId{9});
  const auto got = decode_reply(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id.value, 9U);
  EXPECT_EQ(got->code, StatusCode::kOk);
  EXPECT_EQ(got->text, "");
  EXPECT_EQ(got->result, result.view());
  EXPECT_EQ(got->trace_hops, 0U);
}

TEST(Reply, WithoutAResultHoldsNil) {
  Buffer out;
  append_reply(out, reply_of(StatusCode::kNoRoute, "why", {}), RequestId{9});
  const auto got = decode_reply(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->code, StatusCode::kNoRoute);
  EXPECT_EQ(got->text, "why");
  EXPECT_EQ(got->result, "\xc0");
}

TEST(Reply, TextIsCutAtItsLimit) {
  const std::string text(limits::kErrorTextBytesMax + 1, 't');
  Buffer out;
  append_reply(out, reply_of(StatusCode::kInternal, text, {}), RequestId{9});
  const auto got = decode_reply(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->text.size(), limits::kErrorTextBytesMax);
}

TEST(Reply, IsPassedOnAsItCame) {
  Buffer first;
  append_reply(first, reply_of(StatusCode::kFull, "full up", {}), RequestId{1});
  auto reply = decode_reply(only_record(first));
  ASSERT_TRUE(reply);
  reply->code = StatusCode::kOk;  // not looked at: the body holds it
  Buffer second;
  append_reply(second, *reply, RequestId{2});
  const auto got = decode_reply(only_record(second));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id.value, 2U);
  EXPECT_EQ(got->code, StatusCode::kFull);
  EXPECT_EQ(got->body, reply->body);
}

TEST(Reply, CodeOfALaterVersionReadsAsInternalAndIsPassedOn) {
  Buffer body;
  pack_uint(body, 99);
  pack_str(body, "from the future");
  pack_nil(body);
  ReplyView later;
  later.body = body.view();
  Buffer out;
  append_reply(out, later, RequestId{1});
  const auto got = decode_reply(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->code, StatusCode::kInternal);
  EXPECT_EQ(got->body, body.view());
}

TEST(Reply, TraceIsReadHopByHop) {
  Buffer trace;
  append_trace_hop(trace, {"gate@h", "n..z", "bar@h", 310, 0, 8, 3});
  append_trace_hop(trace, {"bar@h", "n..z", "bar@h", 42, 12, 30, 0});
  ReplyView reply;
  reply.trace = trace.view();
  reply.trace_hops = 2;
  Buffer out;
  append_reply(out, reply, RequestId{1});
  const auto got = decode_reply(only_record(out));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->trace_hops, 2U);
  auto rest = got->trace;
  const auto first = take_trace_hop(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->node, "gate@h");
  EXPECT_EQ(first->next, "bar@h");
  EXPECT_EQ(first->elapsed_us, 310U);
  EXPECT_EQ(first->queue_us, 8U);
  EXPECT_EQ(first->link, 3U);
  const auto second = take_trace_hop(rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->entry, "n..z");
  EXPECT_EQ(second->executed_us, 12U);
  EXPECT_EQ(second->link, 0U);
  EXPECT_FALSE(take_trace_hop(rest));
}

TEST(Reply, TraceHopsOfAnotherVersionMayHoldMoreOrLess) {
  Buffer trace;
  pack_array(trace, 8);
  for (const auto* text : {"n@h", "*", "n@h"}) pack_str(trace, text);
  for (const auto number : {2U, 1U, 1U, 7U}) pack_uint(trace, number);
  pack_array(trace, 1);
  pack_str(trace, "new");
  std::string_view rest = trace.view();
  const auto hop = take_trace_hop(rest);
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->executed_us, 1U);
  EXPECT_EQ(hop->link, 7U);
  EXPECT_EQ(rest, "");

  // An earlier one told neither queue nor link.
  Buffer earlier;
  pack_array(earlier, 5);
  for (const auto* text : {"n@h", "*", "n@h"}) pack_str(earlier, text);
  for (const auto number : {2U, 1U}) pack_uint(earlier, number);
  rest = earlier.view();
  const auto old = take_trace_hop(rest);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->executed_us, 1U);
  EXPECT_EQ(old->queue_us, 0U);
  EXPECT_EQ(old->link, 0U);

  Buffer less;
  pack_array(less, 4);
  for (const auto* text : {"n@h", "*", "n@h"}) pack_str(less, text);
  pack_uint(less, 2);
  rest = less.view();
  EXPECT_FALSE(take_trace_hop(rest));
}

TEST(Reply, BodyAndTraceAreBounded) {
  const auto decodes = [](std::size_t trace_bytes, std::size_t result_bytes) {
    Buffer trace;
    pack_str(trace, std::string(trace_bytes - 3, 't'));  // 3: the form of its length
    Buffer body;
    pack_uint(body, 0);
    pack_str(body, "");
    pack_bin(body, std::string(result_bytes - 7, 'v'));  // 7: code, text and the form of the length
    ReplyView reply;
    reply.trace = trace.view();
    reply.trace_hops = 1;
    reply.body = body.view();
    Buffer out;
    append_reply(out, reply, RequestId{1});
    return decode_reply(only_record(out)).has_value();
  };
  EXPECT_TRUE(decodes(limits::kTraceBytesMax, limits::kBodyBytesMax));
  EXPECT_FALSE(decodes(limits::kTraceBytesMax + 1, limits::kBodyBytesMax));
  EXPECT_FALSE(decodes(limits::kTraceBytesMax, limits::kBodyBytesMax + 1));
}

// Broken records are judged without reading past their end (which AddressSanitizer watches), and
// what is accepted can be passed on and is then accepted by the next node too.
TEST(Record, BrokenAnywhereIsRefusedOrStillWhole) {
  const auto seed = test_seed();
  RandomMsgpack random{seed};
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    Buffer scratch;
    const auto args = std::string(1, '\x91') + random.value(3);
    const auto request = make_request(scratch, {Target::Kind::kBucket, "shopping"}, "kv.put",
                                      [&](Buffer& out) { out.append(args); });
    Buffer out;
    const PathStep step{"n@h", "*"};
    append_request(out, request, RequestId{1}, 5000, random.below(2) == 0 ? &step : nullptr);
    const auto broken = random.broken(std::string{out.view(kRecordPrefixBytes)});
    const std::string exact{broken.data(), broken.size()};
    (void)decode_reply(exact);
    const auto got = decode_request(exact);
    if (!got) continue;
    ++accepted;
    Buffer next;
    append_request(next, *got, RequestId{2}, 1, nullptr);
    const auto again = decode_request(only_record(next));
    ASSERT_TRUE(again) << "KVMESH_TEST_SEED=" << seed << " input " << testing::PrintToString(exact);
    EXPECT_EQ(again->body, got->body);
    EXPECT_EQ(again->path, got->path);
  }
  EXPECT_GT(accepted, 1000) << "the generator breaks too much";
  EXPECT_LT(accepted, 49'000) << "the generator breaks too little";
}

}  // namespace
}  // namespace kvmesh::wire
