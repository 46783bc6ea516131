// Calls that wait for changes, and scans of buckets too large for one look, in memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/engine_suite.h"

namespace kvmesh::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Event::Kind;

template <typename Made>
class EngineFollow : public EngineSuite<Made> {
 protected:
  EngineFollow() {
    EXPECT_EQ(this->code(op::create("b")), StatusCode::kOk);
    since_ = ask(0).next;
  }

  static Op poll(const OpMore& more) {
    return op::with(Op::Kind::kChanges, "b", more, {.items_max = 100, .bytes_max = 1 << 20});
  }
  Events ask(Revision since) {
    const OpMore more{.since = since};
    return this->driver_->execute(poll(more)).template get<Events>();
  }
  // The one that waits, until its end.
  void wait(EngineDriver& driver, std::string_view prefix = {}, milliseconds wait = seconds{10}) {
    const OpMore more{.prefix = prefix, .since = since_, .wait = wait};
    driver.submit({poll(more)});
  }
  // All that it has submitted.
  static bool has_ended(EngineDriver& driver) {
    driver.pass();
    return std::ranges::all_of(driver.ended(), [](const auto& one) { return one.has_value(); });
  }
  // What the last one ended with.
  static Events events(EngineDriver& driver) {
    return driver.ended().back().value_or(EndedOp{}).template get<Events>();
  }

  Revision since_ = 0;
  EngineDriver other_{*this->engine_, this->now_};
};
using InMemoryEngines = testing::Types<InMemory, InMemoryOfOneThread>;
TYPED_TEST_SUITE(EngineFollow, InMemoryEngines);

TYPED_TEST(EngineFollow, ACallWaitsUntilSomethingChanges) {
  this->wait(this->other_);
  EXPECT_FALSE(this->has_ended(this->other_));
  this->driver_->execute(op::get("b", "k"));
  EXPECT_FALSE(this->has_ended(this->other_));
  this->driver_->execute(op::put("b", "k", "v"));
  ASSERT_TRUE(this->has_ended(this->other_));
  const auto events = this->events(this->other_);
  ASSERT_EQ(events.events.size(), 1U);
  EXPECT_EQ(events.events[0].value, "v");
  EXPECT_EQ(events.next, events.events[0].rev);
}

TYPED_TEST(EngineFollow, SeveralWaitForOneChange) {
  for (int i = 0; i < 3; ++i) this->wait(this->other_);
  this->wait(*this->driver_);
  EngineDriver third{*this->engine_, this->now_};
  third.execute(op::put("b", "k", "v"));
  EXPECT_TRUE(this->has_ended(this->other_));
  EXPECT_TRUE(this->has_ended(*this->driver_));
}

TYPED_TEST(EngineFollow, ChangesOfOtherKeysEndNoWaitButMoveItOn) {
  this->wait(this->other_, "x");
  for (int i = 0; i < 10; ++i) {
    this->driver_->execute(op::put("b", "y" + std::to_string(i), std::string(300'000, 'v')));
    EXPECT_FALSE(this->has_ended(this->other_));
  }
  this->driver_->execute(op::put("b", "xy", "v"));
  ASSERT_TRUE(this->has_ended(this->other_));
  EXPECT_FALSE(this->events(this->other_).reset) << "what was forgotten had been seen";
  EXPECT_EQ(this->events(this->other_).events.size(), 1U);
}

TYPED_TEST(EngineFollow, AWaitEndsWithNothing) {
  this->wait(this->other_, "x", milliseconds{500});
  this->driver_->execute(op::put("b", "y", "v"));
  EXPECT_FALSE(this->has_ended(this->other_));
  this->now_ += milliseconds{499};
  this->other_.tick();
  EXPECT_FALSE(this->has_ended(this->other_));
  this->now_ += milliseconds{1};
  this->other_.tick();
  ASSERT_TRUE(this->has_ended(this->other_));
  const auto none = this->events(this->other_);
  EXPECT_FALSE(none.reset);
  EXPECT_TRUE(none.events.empty());
  EXPECT_GT(none.next, this->since_) << "the other change was passed over";
}

TYPED_TEST(EngineFollow, AWaitEndsBeforeTheCallsDeadline) {
  const OpMore more{.since = this->since_, .wait = seconds{10}};
  auto op = this->poll(more);
  op.deadline = this->now_ + seconds{1};
  this->other_.submit({op});
  this->now_ += milliseconds{900};
  this->other_.tick();
  EXPECT_TRUE(this->has_ended(this->other_));
}

TYPED_TEST(EngineFollow, ADropIsToldAfterWhatCameBefore) {
  this->wait(this->other_, "k");
  this->driver_->execute(op::put("b", "k", "v"));
  this->driver_->execute(op::drop("b"));
  this->driver_->execute(op::create("b"));
  this->driver_->execute(op::put("b", "k", "w"));
  ASSERT_TRUE(this->has_ended(this->other_));
  const auto events = this->events(this->other_);
  ASSERT_EQ(events.events.size(), 2U);
  EXPECT_EQ(events.events[0].kind, Kind::kPut);
  EXPECT_EQ(events.events[1].kind, Kind::kDrop);
  EXPECT_GT(events.events[1].rev, events.events[0].rev);
  EXPECT_TRUE(this->ask(events.next).reset) << "the new bucket is to be read";
}

TYPED_TEST(EngineFollow, TheEndOfABucketIsNothingToWhoFollowsTheNextOne) {
  this->wait(this->other_);
  this->driver_->execute(op::drop("b"));
  this->driver_->execute(op::create("b"));
  this->since_ = this->ask(0).next;
  this->wait(this->other_);  // before the news of the drop are looked at
  this->other_.pass();
  EXPECT_EQ(this->other_.ended()[0]->template get<Events>().events[0].kind, Kind::kDrop);
  EXPECT_FALSE(this->other_.ended()[1]);
  this->driver_->execute(op::put("b", "k", "v"));
  ASSERT_TRUE(this->has_ended(this->other_));
  EXPECT_FALSE(this->events(this->other_).reset);
}

TYPED_TEST(EngineFollow, AScanPassesOverManyKeysThatHaveExpiredWithoutWaitingForTheirEnd) {
  for (int i = 0; i < 20'000; ++i) {
    const auto key = "a" + std::to_string(100'000 + i);
    const OpMore more{.changes = {change::put(key, "v", 1000)}};
    this->driver_->execute(op::with(Op::Kind::kApply, "b", more));
  }
  this->driver_->execute(op::put("b", "b", "v"));
  const OpMore all;
  const auto scan = op::with(Op::Kind::kScan, "b", all, {.items_max = 5, .bytes_max = 999});
  while (this->driver_->execute(scan).template get<ScanPage>().items.empty()) {
  }
  this->now_ += seconds{2};
  this->other_.submit({scan});
  for (int passes = 0; passes < 3; ++passes) this->other_.pass();
  ASSERT_TRUE(this->other_.ended()[0]) << "no tick has removed any";
  const auto page = this->other_.ended()[0]->template get<ScanPage>();
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0].key, "b");
}

TYPED_TEST(EngineFollow, AnExpiryIsToldByItself) {
  const OpMore more{.changes = {change::put("k", "v", 1000)}};
  this->driver_->execute(op::with(Op::Kind::kApply, "b", more));
  this->since_ = this->ask(this->since_).next;
  this->wait(this->other_);
  this->now_ += milliseconds{1000};
  this->driver_->tick();
  ASSERT_TRUE(this->has_ended(this->other_));
  EXPECT_EQ(this->events(this->other_).events[0].kind, Kind::kExpire);
}

TYPED_TEST(EngineFollow, ASessionThatEndsFollowsNothing) {
  {
    EngineDriver gone{*this->engine_, this->now_};
    this->wait(gone);
    gone.forget();
  }
  this->driver_->execute(op::put("b", "k", "v"));
  EXPECT_EQ(this->ask(this->since_).events.size(), 1U);
}

TYPED_TEST(EngineFollow, OnlySoManyMayWait) {
  for (std::uint32_t i = 0; i < limits::kFollowersMax; ++i) this->wait(this->other_);
  this->wait(*this->driver_);
  ASSERT_TRUE(this->has_ended(*this->driver_));
  EXPECT_EQ(this->driver_->ended().back()->code, StatusCode::kOverloaded);
  EngineDriver third{*this->engine_, this->now_};
  third.execute(op::put("b", "k", "v"));
  EXPECT_FALSE(this->has_ended(this->other_)) << "not all in one pass";
  bool ended = false;
  for (int passes = 0; passes < 20 && !ended; ++passes) ended = this->has_ended(this->other_);
  ASSERT_TRUE(ended);
  this->since_ = this->events(this->other_).next;
  this->wait(*this->driver_);
  EXPECT_FALSE(this->has_ended(*this->driver_)) << "there is room again";
}

TYPED_TEST(EngineFollow, AScanOfALargeBucketIsMadeInSlicesWhileItChanges) {
  constexpr int kKeys = 40'000;
  const auto key = [](int i) { return std::to_string(1'000'000 + i); };
  for (int i = 0; i < kKeys; i += 2) this->driver_->execute(op::put("b", key(i), "v"));
  const OpMore values{.values = true};
  this->other_.submit(
      {op::with(Op::Kind::kScan, "b", values, {.items_max = 10'000, .bytes_max = 1 << 20})});
  int passes = 0;
  for (; !this->has_ended(this->other_); ++passes) {
    this->driver_->execute(op::put("b", key(passes * 2 + 1), "new"));
    this->driver_->execute(op::erase("b", key(passes * 2)));
    this->driver_->execute(op::put("b", key(kKeys - 2 - passes * 2), "changed, and longer"));
  }
  EXPECT_GT(passes, 20) << "no pass may take long";
  const auto first = this->other_.ended()[0]->template get<ScanPage>();
  EXPECT_EQ(first.items.size(), 10'000U);
  // From then on each page comes at once, and none is short of a key.
  std::vector<ScanPage::Item> all = first.items;
  for (bool more = first.more; more;) {
    const PageLimits page{all.back().key, 10'000, 1 << 20};
    const auto next = this->driver_->execute(op::with(Op::Kind::kScan, "b", values, page))
                          .template get<ScanPage>();
    all.insert(all.end(), next.items.begin(), next.items.end());
    more = next.more;
  }
  std::size_t found = 0;
  for (int i = 0; i < kKeys; ++i) {
    const bool is_new = i % 2 == 1 && i / 2 < passes;
    const bool is_there = i % 2 == 0 && i / 2 >= passes;
    if (!is_new && !is_there) continue;
    ASSERT_LT(found, all.size());
    ASSERT_EQ(all[found].key, key(i));
    ASSERT_EQ(all[found].entry.value.size(), is_new ? 3U : (kKeys - 2 - i) / 2 < passes ? 19U : 1U);
    ++found;
  }
  EXPECT_EQ(found, all.size());
}

TYPED_TEST(EngineFollow, WithoutMemoryNothingIsRemembered) {
  this->make_engine(8000);
  auto& on = *this->driver_;
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("b" + std::to_string(i));
  std::size_t made = 0;
  while (made < 10 && this->code(op::create(names[made])) == StatusCode::kOk) ++made;
  const OpMore more;
  std::size_t followed = 0;
  for (std::size_t i = 0; i < made; ++i) {
    const auto ended = on.execute(op::with(Op::Kind::kChanges, names[i], more, {.items_max = 1}));
    followed += ended.code == StatusCode::kOk ? 1 : 0;
    EXPECT_TRUE(ended.code == StatusCode::kOk || ended.code == StatusCode::kFull);
  }
  EXPECT_GT(followed, 0U);
  EXPECT_LT(followed, made);
  EXPECT_LE(this->engine_->usage().bytes, 8000U);
}

TYPED_TEST(EngineFollow, WithAHistoryAFollowerMayBeAway) {
  const OpMore history{.options = {.history_bytes = 100'000}};
  EXPECT_EQ(this->code(op::with(Op::Kind::kCreate, "kept", history)), StatusCode::kOk);
  auto& on = *this->driver_;
  const auto ask = [&](Revision since) {
    const OpMore more{.since = since};
    return on
        .execute(
            op::with(Op::Kind::kChanges, "kept", more, {.items_max = 10'000, .bytes_max = 1 << 20}))
        .template get<Events>();
  };
  on.execute(op::put("kept", "before", "anybody asks"));
  const auto first = ask(0);
  EXPECT_TRUE(first.reset);
  for (int hour = 0; hour < 3; ++hour) {
    this->now_ += std::chrono::hours{1};
    on.tick();
  }
  on.execute(op::put("kept", "k", "v"));
  this->now_ += std::chrono::hours{1};
  on.tick();
  const auto then = ask(first.next);
  EXPECT_FALSE(then.reset);
  ASSERT_EQ(then.events.size(), 1U);
  EXPECT_EQ(then.events[0].key, "k");
  for (int i = 0; i < 2000; ++i) on.execute(op::put("kept", "k", std::string(100, 'v')));
  EXPECT_TRUE(ask(first.next).reset) << "more than it remembers";
  EXPECT_LE(this->engine_->usage().followed, 100'000U);

  const OpMore less{.options = {.history_bytes = 10'000}};
  const auto options =
      on.execute(op::with(Op::Kind::kOptions, "kept", less)).template get<BucketOptions>();
  EXPECT_EQ(options, less.options);
  EXPECT_LE(this->engine_->usage().followed, 10'000U);
  const OpMore none{.options = {.history_bytes = 0}};
  on.execute(op::with(Op::Kind::kOptions, "kept", none));
  this->now_ += std::chrono::hours{1};
  for (int ticks = 0; ticks < 3; ++ticks) on.tick();
  EXPECT_EQ(this->engine_->usage().followed, 0U) << "nobody follows";
}

TYPED_TEST(EngineFollow, AHistoryLeavesOtherFollowersTheirs) {
  this->make_engine(std::uint64_t{400} << 20);
  auto& on = *this->driver_;
  const OpMore history{.options = {.history_bytes = limits::kEventRingsBytesMax}};
  on.execute(op::with(Op::Kind::kCreate, "kept", history));
  on.execute(op::create("b"));
  const auto since = this->ask(0).next;
  const std::string value(std::size_t{1} << 20, 'v');
  for (int i = 0; i < 100; ++i) on.execute(op::put("kept", "k", value));
  EXPECT_GT(this->engine_->usage().followed, limits::kEventRingsBytesMax / 2);
  on.execute(op::put("b", "k", "v"));
  const auto events = this->ask(since);
  EXPECT_FALSE(events.reset);
  EXPECT_EQ(events.events.size(), 1U);
  const OpMore none{.options = {.history_bytes = 0}};
  on.execute(op::with(Op::Kind::kOptions, "kept", none));
  EXPECT_LE(this->engine_->usage().followed, 3 * value.size());
}

TYPED_TEST(EngineFollow, TheEngineCountsWhoWaitsAndWhatItRemembers) {
  EXPECT_EQ(this->engine_->usage().followers, 0U);
  this->wait(this->other_);
  EXPECT_EQ(this->engine_->usage().followers, 1U);
  EXPECT_EQ(this->engine_->usage().followed, 0U);
  this->driver_->execute(op::put("b", "k", "v"));
  EXPECT_TRUE(this->has_ended(this->other_));
  EXPECT_EQ(this->engine_->usage().followers, 0U);
  EXPECT_GT(this->engine_->usage().followed, 0U);
}

}  // namespace
}  // namespace kvmesh::store
