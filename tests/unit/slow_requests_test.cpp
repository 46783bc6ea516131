// The lines about slow requests where stories (tests/scenario/slow.txt) cannot show them: what
// others wrote in them, and how many there may be.

#include "node/core/slow_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/wire/buffer.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"

namespace kvmesh::core {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};

RequestView request(std::string_view function, std::string_view bucket) {
  RequestView out;
  out.target = {Target::Kind::kBucket, bucket};
  out.function = function;
  return out;
}

class SlowRequestsTest : public testing::Test {
 protected:
  SlowRequestsTest() { slow_.set_threshold(milliseconds{100}); }
  std::optional<std::string> line(const RequestView& request, milliseconds took,
                                  TimePoint now = kNow) {
    return slow_.end(slow_.begin(request), {}, now - took, now);
  }
  SlowRequests slow_;
};

TEST_F(SlowRequestsTest, TheThresholdCanBeReachedExactly) {
  EXPECT_TRUE(line(request("kv.get", "b"), milliseconds{100}));
  EXPECT_FALSE(line(request("kv.get", "b"), milliseconds{99}));
}

TEST_F(SlowRequestsTest, OnlyWhatEnteredHereIsWatchedAndNothingWithoutAThreshold) {
  auto asked = request("kv.get", "b");
  EXPECT_TRUE(slow_.concerns(asked));
  asked.hops = 1;
  EXPECT_FALSE(slow_.concerns(asked));
  EXPECT_FALSE(slow_.concerns(request("task.next", "b")));
  slow_.set_threshold(milliseconds{0});
  EXPECT_FALSE(slow_.concerns(request("kv.get", "b")));
}

TEST_F(SlowRequestsTest, NotesOfRequestsUnderWayAtOnceAreKeptApart) {
  const auto first = slow_.begin(request("kv.get", "first"));
  const auto second = slow_.begin(request("kv.put", "second"));
  const auto end = [&](SlowRequests::Note note) {
    return *slow_.end(note, {}, kNow - milliseconds{200}, kNow);
  };
  EXPECT_THAT(end(first), HasSubstr("kv.get for bucket \"first\" ended with ok after 200.000 ms"));
  EXPECT_THAT(*line(request("kv.delete", "third"), milliseconds{200}), HasSubstr("third"));
  EXPECT_THAT(end(second), HasSubstr("kv.put for bucket \"second\""));
}

TEST_F(SlowRequestsTest, WhatClientsWroteStaysOnTheLine) {
  const auto evil =
      *line(request("kv\nget", std::string_view{"\x1b[31m\n\0", 7}), milliseconds{200});
  EXPECT_THAT(evil, HasSubstr(R"("kv\nget" for bucket "\x1b[31m\n\x00" ended)"));
  const auto large =
      *line(request(std::string(1000, 'f'), std::string(1000, 'b')), milliseconds{200});
  EXPECT_LT(large.size(), 300U);
  EXPECT_THAT(large, HasSubstr("... (1000 bytes)"));
  EXPECT_THAT(*line(request("", ""), milliseconds{200}), HasSubstr(R"("" for bucket "" ended)"));
}

TEST_F(SlowRequestsTest, TheFunctionOfAModuleOrServerIsNamed) {
  const auto called = [&](std::string_view function, std::initializer_list<std::string_view> args) {
    wire::Buffer packed;
    wire::pack_array(packed, args.size());
    for (const auto arg : args) wire::pack_str(packed, arg);
    auto asked = request(function, "b");
    asked.args = packed.view();
    return *line(asked, milliseconds{200});
  };
  EXPECT_THAT(called("task.run", {"mine.sum", "x"}), HasSubstr("task.run of mine.sum for bucket"));
  EXPECT_THAT(called("server.call", {"stock", "sell"}),
              HasSubstr("server.call of stock.sell for bucket"));
  EXPECT_THAT(called("task.run", {"mine\nsum"}),
              HasSubstr(R"(task.run of "mine\nsum" for bucket)"));
  EXPECT_THAT(called("task.run", {}), HasSubstr("task.run for bucket"));
  EXPECT_THAT(called("kv.get", {"mine.sum"}), HasSubstr("kv.get for bucket"));
}

TEST_F(SlowRequestsTest, WhatPeersWroteStaysOnTheLine) {
  wire::Buffer trace;
  wire::append_trace_hop(trace, {"gate@h", "a..m", "b\n@h", 9, 0, 1, 2});
  wire::append_trace_hop(trace, {"b; c@h", "", "b; c@h", 9000, 7, 1, 0});
  // More in the parts than in the whole is a peer's invention: no time is negative.
  EXPECT_EQ(hops_line(trace.view()),
            R"(gate@h (a..m): queue 0.001 ms, wire 0.000 ms to "b\n@h" #2; )"
            R"("b; c@h": queue 0.001 ms, function 0.007 ms)");
  trace.append("\xc0");
  EXPECT_THAT(hops_line(trace.view()), HasSubstr("function 0.007 ms"));
  EXPECT_EQ(hops_line("\xc0"), "");
}

TEST_F(SlowRequestsTest, AFloodMakesTenLinesASecondAndTellsOfTheRestOnce) {
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(line(request("kv.get", "b"), milliseconds{200}).has_value(), i < 10) << i;
  }
  EXPECT_EQ(slow_.take_left_out(kNow + milliseconds{999}), 0U);
  EXPECT_EQ(slow_.take_left_out(kNow + milliseconds{1000}), 15U);
  EXPECT_EQ(slow_.take_left_out(kNow + milliseconds{1000}), 0U);
  EXPECT_TRUE(line(request("kv.get", "b"), milliseconds{200}, kNow + milliseconds{1000}));
}

TEST(LineBudget, OfAFloodThatLastsEachSecondIsCounted) {
  LineBudget budget;
  const TimePoint start = TimePoint{} + std::chrono::hours{1};
  std::uint64_t told = 0;
  for (int i = 0; i < 300; ++i) {  // one each 10 ms, asked for after each
    (void)budget.take(start + milliseconds{10 * i});
    told += budget.take_left_out(start + milliseconds{10 * i});
  }
  EXPECT_EQ(told, 2 * 90U) << "of the seconds that are over";
  EXPECT_EQ(budget.take_left_out(), 90U);
}

}  // namespace
}  // namespace kvmesh::core
