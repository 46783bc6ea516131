// The core where stories (tests/scenario) cannot show it: its largest limits, broken handlers, what
// is not on the wire.
#include "tests/unit/core_fixture.h"

namespace kvmesh::core {
namespace {

// Runs calls as it is told by what they are: each number does something else.
class TestRunner final : public Runner {
 public:
  void run(std::span<Call* const> calls) override {
    runs.push_back(calls.size());
    for (auto* call : calls) {
      if (call->number() == kThrows) throw std::runtime_error{"out of luck"};
      if (call->number() == kSilent) continue;
      if (call->number() == kLater) {
        if (const auto ticket = call->defer()) tickets.push_back(*ticket);
        continue;
      }
      if (call->number() == kVast) wire::pack_bin(call->result(), std::string(100'000, 'x'));
      call->succeed();
    }
  }

  enum : std::uint8_t { kSucceeds, kThrows, kSilent, kLater, kVast };
  std::vector<std::size_t> runs;  // how many calls each had
  std::vector<Call::Ticket> tickets;
};

class CoreRunnerTest : public CoreTest {
 protected:
  CoreRunnerTest() {
    modules_.define("run.ok", runner_, TestRunner::kSucceeds);
    modules_.define("run.throws", runner_, TestRunner::kThrows);
    modules_.define("run.silent", runner_, TestRunner::kSilent);
    modules_.define("run.later", runner_, TestRunner::kLater);
    modules_.define("run.vast", runner_, TestRunner::kVast);
    modules_.define("run.scan", runner_, TestRunner::kSucceeds, Cost::kMuch);
    modules_.define("other.ok", other_, TestRunner::kSucceeds);
    core_.on_peer_up(kBar, kWidest);
  }

  // Those that begin with '>' are for bar.
  void come_together(const std::vector<std::string>& functions) {
    std::vector<wire::Buffer> bodies(functions.size());
    std::vector<Core::Incoming> run;
    for (std::size_t i = 0; i < functions.size(); ++i) {
      const std::string_view text = functions[i];
      const bool for_bar = text.starts_with('>');
      auto one =
          wire::make_request(bodies[i], for_bar ? to_bar_ : Target{}, text.substr(for_bar ? 1 : 0),
                             [](wire::Buffer& to) { wire::pack_array(to, 0); });
      one.timeout_ms = 5000;
      run.push_back({{3, 4, {i}}, one});
    }
    core_.on_requests(run, kNow);
  }
  std::uint64_t answers(StatusCode code) const {
    return core_.counters().replies[static_cast<std::size_t>(code)].value();
  }

  TestRunner runner_;
  TestRunner other_;
};

using Runs = std::vector<std::size_t>;

TEST_F(CoreRunnerTest, CallsThatCameTogetherAreRunTogether) {
  come_together({"run.ok", ">run.ok", "run.ok", "test.undefined", "run.later", "run.ok"});
  EXPECT_EQ(runner_.runs, Runs{4});
  EXPECT_EQ(effects_.forwards, 1U);
  EXPECT_EQ(answers(StatusCode::kOk), 3U);
  EXPECT_EQ(answers(StatusCode::kUndefinedFunction), 1U);
  ASSERT_EQ(runner_.tickets.size(), 1U);
  core_.complete(runner_.tickets[0], {}, {});
  EXPECT_EQ(answers(StatusCode::kOk), 4U);
  EXPECT_EQ(effects_.last.result, "\xc0") << "what others packed is not in it";
  come_together({});
  EXPECT_EQ(runner_.runs, Runs{4});
}

// What a function does is seen by those that came after it, whoever runs them.
TEST_F(CoreRunnerTest, OtherFunctionsWaitForThoseThatCameBefore) {
  modules_.define("test.look", [&](Call& call) {
    EXPECT_EQ(runner_.runs, Runs{2});
    call.succeed();
  });
  come_together({"run.ok", "run.ok", "test.look", "run.ok", "other.ok", "run.ok"});
  EXPECT_EQ(runner_.runs, (Runs{2, 1, 1}));
  EXPECT_EQ(other_.runs, Runs{1});
  EXPECT_EQ(answers(StatusCode::kOk), 6U);
}

TEST_F(CoreRunnerTest, EachCallIsAnsweredOnceWhateverTheRunnerDoes) {
  come_together({"run.ok", "run.silent", "run.later", "run.throws", "run.ok"});
  EXPECT_EQ(answers(StatusCode::kOk), 1U);
  EXPECT_EQ(answers(StatusCode::kInternal), 3U) << "the silent one too: all without an answer";
  EXPECT_EQ(effects_.last.text, "run.ok threw: out of luck");
  EXPECT_EQ(core_.in_flight(), 1U);
  come_together({"run.silent"});
  EXPECT_EQ(effects_.last.text, "the function returned without an answer");
}

TEST_F(CoreRunnerTest, FewerAreRunTogetherWhileResultsAreLarge) {
  const std::vector<std::string> vast(5, "run.vast");
  come_together(vast);
  EXPECT_EQ(runner_.runs, Runs{5}) << "nobody knew";
  runner_.runs.clear();
  come_together(vast);
  EXPECT_EQ(runner_.runs, (Runs{1, 1, 1, 1, 1}));
  runner_.runs.clear();
  come_together(std::vector<std::string>(9, "run.ok"));
  EXPECT_EQ(runner_.runs, (Runs{1, 2, 3, 3})) << "and more again when they are small";
}

// So that the time of each is its own.
TEST_F(CoreRunnerTest, TracedOnesAreRunOneByOne) {
  core_.watch_slow_requests(std::chrono::milliseconds{1000});
  come_together({"run.ok", "run.ok", "run.ok"});
  EXPECT_EQ(runner_.runs, (Runs{1, 1, 1}));
  EXPECT_EQ(answers(StatusCode::kOk), 3U);
}

// Its size is what it will be when it is packed.
TEST_F(CoreRunnerTest, ARequestThatIsNotPackedIsRefusedWhenItIsTooLarge) {
  const std::string large(limits::kBodyBytesMax, 'v');
  const std::array words = {ArgumentView::of(large)};
  RequestView request;
  request.target = to_bar_;
  request.function = "run.ok";
  request.words = words;
  request.timeout_ms = 5000;
  core_.on_request({}, request, kNow);
  EXPECT_EQ(answers(StatusCode::kTooLarge), 1U);
  EXPECT_EQ(effects_.forwards, 0U);
}

TEST_F(CoreRunnerTest, ACostlyOneEndsItsRun) {
  come_together({"run.ok", "run.scan", "run.ok"});
  EXPECT_EQ(runner_.runs, (Runs{2, 1}));
}

TEST_F(CoreTest, SomeOfARunEndAfterACostlyRequest) {
  modules_.define(
      "test.scan", [](Call& call) { call.succeed(); }, Cost::kMuch);
  modules_.define("test.tiny", [](Call& call) { call.succeed(); });
  modules_.define("test.vast", [](Call& call) {
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
  EXPECT_EQ(some_of({"test.tiny", "test.tiny"}), (std::pair{std::size_t{2}, false}));
  EXPECT_EQ(some_of({"test.tiny", "test.scan", "test.tiny"}), (std::pair{std::size_t{2}, true}));
  EXPECT_EQ(some_of({"test.scan"}), (std::pair{std::size_t{1}, true}));
  EXPECT_EQ(some_of({"test.vast", "test.vast"}), (std::pair{std::size_t{1}, true}));
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
  core_.complete(ticket_, {}, {});
  ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.forwards, 1U);
  EXPECT_EQ(core_.counters().replies[static_cast<std::size_t>(StatusCode::kOverloaded)].value(),
            2U);

  effects_.replies = 0;
  core_.fail_all();
  EXPECT_EQ(effects_.replies, limits::kInFlightMax);
  EXPECT_EQ(core_.in_flight(), 0U);
}

TEST_F(CoreTest, AReplyGoesToItsOriginWithItsBodyUntouched) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  ReplyView reply;
  reply.id = effects_.last_id;
  reply.body = "as it came";
  core_.on_reply(kBar, reply);
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
  core_.complete(ticket_, {}, {});
  EXPECT_EQ(effects_.replies, 2U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);
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
  EXPECT_EQ(effects_.last.text,
            "result of 2031615 bytes is over the limit of 2031614; ask for it in parts");

  // So for one that comes later.
  result.push_back('v');
  ask("test.later");
  core_.complete(ticket_, {}, result.view());
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
    core_.on_reply(kBar, reply);
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
