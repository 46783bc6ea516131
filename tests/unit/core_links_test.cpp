// What the core has in flight over a link: its window, its end, its deadlines.
#include "tests/unit/core_fixture.h"

namespace kvmesh::core {
namespace {

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

TEST_F(CoreTest, AnIdThatTheLinkGivesBackTwiceIsAnsweredOnce) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  core_.on_unsent(effects_.last_id);
  core_.on_unsent(effects_.last_id);
  core_.on_peer_down(kBar, "gone");
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

}  // namespace
}  // namespace kvmesh::core
