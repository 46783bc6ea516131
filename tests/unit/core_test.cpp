// The core where stories (tests/scenario) cannot show it: its largest limits, broken handlers, what
// is not on the wire.

#include "node/core/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "common/wire/record.h"

namespace kvmesh::core {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};
constexpr Core::Window kWidest{~std::uint64_t{0}, ~std::uint64_t{0}};

NodeName name(std::string_view text) { return *NodeName::parse(text); }

// Keeps the last effect of each kind, and counts them.
class Recorder final : public Effects {
 public:
  struct Reply {
    Origin origin;
    StatusCode code = StatusCode::kOk;
    std::string text;
    std::string body;
  };

  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId id,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    ++forwards;
    last_id = id;
  }
  void reply(const Origin& origin, const ReplyView& reply) override {
    ++replies;
    last_trace_bytes = reply.trace.size();
    last_trace_hops = reply.trace_hops;
    last = {origin, reply.code, std::string{reply.text}, std::string{reply.body}};
  }
  Unsent unsent(PeerIndex peer) override { return peer == unsent_of ? still_here : Unsent{}; }
  TimePoint clock() override {
    ++clocks;
    return kNow;
  }

  PeerIndex unsent_of{0};
  Unsent still_here;
  std::size_t forwards = 0;
  std::size_t replies = 0;
  std::size_t clocks = 0;
  std::size_t last_trace_bytes = 0;
  std::uint32_t last_trace_hops = 0;
  RequestId last_id;
  Reply last;
};

class CoreTest : public testing::Test {
 protected:
  CoreTest() {
    modules_.define("test.later", [this](Call& call) {
      if (const auto ticket = call.defer()) ticket_ = *ticket;
    });
    modules_.define("test.twice", [](Call& call) {
      call.succeed();
      call.succeed();
    });
    modules_.define("test.throws", [](Call&) { throw std::runtime_error{"out of luck"}; });
    modules_.define("test.throws_7", [](Call&) { throw 7; });
    modules_.define("test.ok_then_throws", [](Call& call) {
      call.succeed();
      throw std::runtime_error{"too late"};
    });
    modules_.define("test.later_then_throws", [this](Call& call) {
      if (const auto ticket = call.defer()) ticket_ = *ticket;
      throw std::runtime_error{"too late"};
    });
    modules_.define("test.large", [this](Call& call) {
      wire::pack_bin(call.result(), std::string(large_, 'v'));
      call.succeed();
    });
    modules_.define("test.ok", [](Call& call) { call.succeed(); });
  }

  RequestView request(std::string_view function, Target target = {}) {
    auto out = wire::make_request(body_, target, function,
                                  [](wire::Buffer& to) { wire::pack_array(to, 0); });
    out.timeout_ms = 5000;
    return out;
  }
  void ask(std::string_view function, Target target = {}) {
    core_.on_request({3, 4, {5}}, request(function, target), kNow);
  }

  static constexpr PeerIndex kBar{0}, kBaz{1};
  const Target to_bar_{Target::Kind::kNode, "bar@h"};
  const Target to_baz_{Target::Kind::kNode, "baz@h"};
  wire::Buffer body_;
  Modules modules_;
  Recorder effects_;
  RequestId ticket_;
  std::size_t large_ = 0;
  Core core_{name("foo@h"), {name("bar@h"), name("baz@h")}, modules_, effects_, kNow};
};

TEST_F(CoreTest, ARunTellsTheFunctionsFirstWhatIsComingThenHandlesAllInTheirOrder) {
  std::vector<std::string> log;
  modules_.define(
      "test.hinted",
      [&](Call& call) {
        log.emplace_back("run");
        call.succeed();
      },
      [&](const RequestView&, HintStage stage) {
        log.emplace_back(stage == HintStage::kPlace ? "place" : "record");
      });
  core_.on_peer_up(kBar, kWidest);
  const auto incoming = [](const RequestView& request) {
    return Core::Incoming{{3, 4, {5}}, request};
  };
  wire::Buffer other;
  auto for_bar = wire::make_request(other, to_bar_, "test.hinted",
                                    [](wire::Buffer& to) { wire::pack_array(to, 0); });
  for_bar.timeout_ms = 5000;
  const auto here = request("test.hinted");
  core_.on_requests(std::array{incoming(here), incoming(for_bar), incoming(here)}, kNow);
  EXPECT_THAT(log, testing::ElementsAre("place", "place", "record", "record", "run", "run"));
  EXPECT_EQ(effects_.replies, 2U);
  EXPECT_EQ(effects_.forwards, 1U);

  // One alone has nothing to overlap with.
  log.clear();
  core_.on_requests(std::array{incoming(here)}, kNow);
  EXPECT_THAT(log, testing::ElementsAre("run"));
  core_.on_requests({}, kNow);
  EXPECT_EQ(effects_.replies, 3U);
}

TEST_F(CoreTest, SomeOfARunEndAfterACostlyRequest) {
  modules_.define(
      "test.scan", [](Call& call) { call.succeed(); }, {}, Cost::kMuch);
  modules_.define("test.small", [](Call& call) { call.succeed(); });
  modules_.define("test.large", [](Call& call) {
    wire::pack_bin(call.result(), std::string(100'000, 'x'));
    call.succeed();
  });
  const auto some_of = [&](std::vector<std::string> functions) {
    std::vector<wire::Buffer> bodies(functions.size());
    std::vector<Core::Incoming> run;
    for (std::size_t i = 0; i < functions.size(); ++i) {
      auto one = wire::make_request(bodies[i], Target{}, functions[i],
                                    [](wire::Buffer& to) { wire::pack_array(to, 0); });
      one.timeout_ms = 5000;
      run.push_back({{3, 4, {5}}, one});
    }
    const auto before = effects_.replies;
    const auto done = core_.on_some_requests(run, kNow);
    EXPECT_EQ(effects_.replies - before, done.handled);
    return std::pair{done.handled, done.costly};
  };
  EXPECT_EQ(some_of({"test.small", "test.small"}), (std::pair{std::size_t{2}, false}));
  EXPECT_EQ(some_of({"test.small", "test.scan", "test.small"}), (std::pair{std::size_t{2}, true}));
  EXPECT_EQ(some_of({"test.scan"}), (std::pair{std::size_t{1}, true}));
  EXPECT_EQ(some_of({"test.large", "test.large"}), (std::pair{std::size_t{1}, true}));
  EXPECT_EQ(some_of({}), (std::pair{std::size_t{0}, false}));
}

TEST_F(CoreTest, TheTableOfDeferredCallsCanBeFilledExactly) {
  for (std::uint32_t i = 0; i < limits::kInFlightMax; ++i) ask("test.later");
  ASSERT_EQ(effects_.replies, 0U);
  EXPECT_EQ(core_.in_flight(), limits::kInFlightMax);

  ask("test.later");
  ASSERT_EQ(effects_.replies, 1U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOverloaded);
  EXPECT_THAT(effects_.last.text, HasSubstr("foo@h has 262144 requests under way"));

  // So is what would be forwarded; what is answered at once goes on.
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.last.code, StatusCode::kOverloaded);
  EXPECT_EQ(effects_.forwards, 0U);
  ask("test.ok");
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);

  // One answer makes room for one.
  core_.complete(ticket_, {}, {}, kNow);
  ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.forwards, 1U);
  EXPECT_EQ(core_.counters().replies[static_cast<std::size_t>(StatusCode::kOverloaded)].value(),
            2U);

  effects_.replies = 0;
  core_.fail_all(kNow);
  EXPECT_EQ(effects_.replies, limits::kInFlightMax);
  EXPECT_EQ(core_.in_flight(), 0U);
}

TEST_F(CoreTest, ALinkIsBoundedByOurOwnLimitWhateverThePeerAllows) {
  core_.on_peer_up(kBar, kWidest);
  core_.on_peer_up(kBaz, kWidest);
  for (std::uint32_t i = 0; i < limits::kInFlightPerLinkMax; ++i) ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.forwards, limits::kInFlightPerLinkMax);
  EXPECT_EQ(effects_.replies, 0U);
  EXPECT_EQ(core_.in_flight_over(kBar), limits::kInFlightPerLinkMax);

  ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.last.code, StatusCode::kOverloaded);
  EXPECT_THAT(effects_.last.text, HasSubstr("65536 of 65536 requests"));

  ask("test.ok", to_baz_);
  EXPECT_EQ(core_.in_flight_over(kBaz), 1U);
}

TEST_F(CoreTest, ALinkIsBoundedInBytesTooWhateverThePeerAllows) {
  core_.on_peer_up(kBar, kWidest);
  auto large = wire::make_request(body_, to_bar_, "test.ok", [](wire::Buffer& out) {
    wire::pack_array(out, 1);
    wire::pack_bin(out, std::string(1024 * 1024, 'x'));
  });
  large.timeout_ms = 5000;
  const auto most = limits::kInFlightBytesPerLinkMax / (1024 * 1024);
  for (std::size_t i = 0; i < 2 * most; ++i) core_.on_request({3, 4, {5}}, large, kNow);
  EXPECT_GE(effects_.forwards, most - 1);
  EXPECT_LE(effects_.forwards, most);
  EXPECT_EQ(effects_.last.code, StatusCode::kOverloaded);
}

TEST_F(CoreTest, AReplyGoesToItsOriginWithItsBodyUntouched) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  ReplyView reply;
  reply.id = effects_.last_id;
  reply.body = "as it came";
  core_.on_reply(kBar, reply, kNow);
  EXPECT_EQ(effects_.last.origin.adapter, 3U);
  EXPECT_EQ(effects_.last.origin.connection, 4U);
  EXPECT_EQ(effects_.last.origin.request, RequestId{5});
  EXPECT_EQ(effects_.last.body, "as it came");
}

TEST_F(CoreTest, TheClockIsAskedForTracedRequestsOnly) {
  ask("test.ok");
  EXPECT_EQ(effects_.clocks, 0U);
  auto traced = request("test.ok");
  traced.flags = RequestView::kFlagTrace;
  core_.on_request({}, traced, kNow);
  EXPECT_GT(effects_.clocks, 0U);
}

TEST_F(CoreTest, AnIdThatTheLinkGivesBackTwiceIsAnsweredOnce) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  core_.on_unsent(effects_.last_id, kNow);
  core_.on_unsent(effects_.last_id, kNow);
  core_.on_peer_down(kBar, "gone", kNow);
  EXPECT_EQ(effects_.replies, 1U);
  EXPECT_EQ(effects_.last.code, StatusCode::kUnavailable);
}

TEST_F(CoreTest, TimeThatPassesFailsWhatIsDueOnce) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  ask("test.later");
  core_.on_tick(kNow + milliseconds{5000});
  EXPECT_EQ(effects_.replies, 0U);
  core_.on_tick(kNow + milliseconds{5016});
  core_.on_tick(kNow + milliseconds{50160});
  EXPECT_EQ(effects_.replies, 2U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOutcomeUnknown);
}

TEST_F(CoreTest, AHandlerThatThrowsIsAnInternalErrorWithTheText) {
  ask("test.throws");
  EXPECT_EQ(effects_.last.code, StatusCode::kInternal);
  EXPECT_EQ(effects_.last.text, "test.throws threw: out of luck");
  ask("test.throws_7");
  EXPECT_EQ(effects_.last.code, StatusCode::kInternal);
  EXPECT_EQ(effects_.replies, 2U);
}

TEST_F(CoreTest, AnAnswerStandsWhateverItsHandlerThrowsLater) {
  ask("test.ok_then_throws");
  EXPECT_EQ(effects_.replies, 1U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);
  ask("test.later_then_throws");
  EXPECT_EQ(effects_.replies, 1U);
  core_.complete(ticket_, {}, {}, kNow);
  EXPECT_EQ(effects_.replies, 2U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);
}

// What was answered before it left is in no window any more, but takes memory still.
TEST_F(CoreTest, WhatALinkHasNotSentCountsInItsWindow) {
  core_.on_peer_up(kBar, {100, 1000});
  core_.on_peer_up(kBaz, {100, 1000});
  effects_.still_here = {99, 1000};
  ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.forwards, 1U);
  for (const Effects::Unsent full : {Effects::Unsent{100, 0}, Effects::Unsent{0, 1001}}) {
    effects_.still_here = full;
    ask("test.ok", to_bar_);
    EXPECT_EQ(effects_.last.code, StatusCode::kOverloaded);
  }
  EXPECT_EQ(effects_.forwards, 1U);
  ask("test.ok", to_baz_);
  EXPECT_EQ(effects_.forwards, 2U) << "another link is another window";
}

TEST_F(CoreTest, WhatNeverLeftIsToldAsNotExecutedAndTheRestAsUnknown) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  const auto unsent = effects_.last_id;
  ask("test.ok", to_bar_);
  const auto late = kNow + std::chrono::milliseconds{5100};
  core_.on_expired(unsent, late);
  EXPECT_EQ(effects_.last.code, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(effects_.last.text,
            "its time was over before it could be sent to bar@h; the request reached foo@h 5100 ms "
            "ago and was not executed");
  core_.on_expired(unsent, late);
  EXPECT_EQ(effects_.replies, 1U) << "it is answered once";
  core_.on_tick(late);
  EXPECT_EQ(effects_.replies, 2U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(core_.in_flight(), 0U);
}

TEST_F(CoreTest, ARequestMayFillARecordAndNoMore) {
  core_.on_peer_up(kBar, kWidest);
  auto large = request("test.ok", to_bar_);
  const std::string body(limits::kBodyBytesMax + 1, 'b');  // of which the core reads nothing
  large.body = std::string_view{body}.substr(1);
  core_.on_request({}, large, kNow);
  EXPECT_EQ(effects_.forwards, 1U);
  EXPECT_EQ(effects_.replies, 0U);

  large.body = body;
  core_.on_request({}, large, kNow);
  EXPECT_EQ(effects_.forwards, 1U);
  EXPECT_EQ(effects_.last.code, StatusCode::kTooLarge);
  EXPECT_EQ(effects_.last.text, "request of 2031617 bytes is over the limit of 2031616");
}

TEST_F(CoreTest, AResultMayFillARecordAndNoMore) {
  constexpr std::size_t kForm = 5 + 2;  // the form of the length; code and text
  large_ = limits::kBodyBytesMax - kForm;
  ask("test.large");
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);
  wire::Buffer result;
  wire::pack_bin(result, std::string(large_, 'v'));
  ReplyView reply;
  reply.result = result.view();
  wire::Buffer record;
  wire::append_reply(record, reply, RequestId{~std::uint64_t{0}});
  EXPECT_TRUE(wire::decode_reply(record.view(4)));

  ++large_;
  ask("test.large");
  EXPECT_EQ(effects_.last.code, StatusCode::kTooLarge);
  EXPECT_EQ(effects_.last.text, "result of 2031615 bytes is over the limit of 2031614");

  // So for one that comes later.
  result.push_back('v');
  ask("test.later");
  core_.complete(ticket_, {}, result.view(), kNow);
  EXPECT_EQ(effects_.last.code, StatusCode::kTooLarge);
  EXPECT_EQ(core_.in_flight(), 0U);
}

TEST_F(CoreTest, ATraceThatAPeerFilledGoesOnAsItCame) {
  core_.on_peer_up(kBar, kWidest);
  const auto trace_back = [this](std::size_t bytes) {
    auto traced = request("test.ok", to_bar_);
    traced.flags = RequestView::kFlagTrace;
    core_.on_request({}, traced, kNow);
    const std::string trace(bytes, '\xc0');
    ReplyView reply;
    reply.id = effects_.last_id;
    reply.trace = trace;
    reply.trace_hops = 1;
    core_.on_reply(kBar, reply, kNow);
    return std::pair{effects_.last_trace_bytes, effects_.last_trace_hops};
  };
  EXPECT_EQ(trace_back(limits::kTraceBytesMax), (std::pair{limits::kTraceBytesMax, 1U}));
  const auto [bytes, hops] = trace_back(limits::kTraceBytesMax - 100);
  EXPECT_GT(bytes, limits::kTraceBytesMax - 100);
  EXPECT_EQ(hops, 2U);
}

using CoreDeathTest = CoreTest;

TEST_F(CoreDeathTest, AHandlerThatAnswersTwiceAborts) { EXPECT_DEATH(ask("test.twice"), ""); }

}  // namespace
}  // namespace kvmesh::core
