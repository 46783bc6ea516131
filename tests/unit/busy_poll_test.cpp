#include "common/busy_poll.h"

#include <gtest/gtest.h>

#include <chrono>

namespace kvmesh {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr microseconds kTime{50};
const TimePoint kStart = TimePoint{} + seconds{100};

TEST(BusyPoll, LooksForItsTimeWhileOthersGiveWay) {
  BusyPoll poll{kTime};
  EXPECT_EQ(poll.until(kStart), kStart + kTime);
  poll.gave_way(kStart, kStart + microseconds{20});
  EXPECT_EQ(poll.until(kStart + microseconds{20}), kStart + microseconds{20} + kTime);
}

TEST(BusyPoll, WithoutTimeItDoesNotLook) {
  const BusyPoll poll{microseconds{0}};
  EXPECT_EQ(poll.until(kStart), kStart);
}

// The pause that follows a loss at `now`, to the millisecond.
milliseconds pause_after_loss(BusyPoll& poll, TimePoint& now) {
  poll.gave_way(now, now + milliseconds{4});
  now += milliseconds{4};
  const auto began = now;
  while (poll.until(now) == now) now += milliseconds{1};
  return std::chrono::duration_cast<milliseconds>(now - began);
}

TEST(BusyPoll, SleepsForAWhileWhenItLostTheProcessorAndLongerEachTime) {
  BusyPoll poll{kTime};
  auto now = kStart;
  EXPECT_EQ(pause_after_loss(poll, now), milliseconds{20});
  EXPECT_EQ(pause_after_loss(poll, now), milliseconds{40});
  EXPECT_EQ(pause_after_loss(poll, now), milliseconds{80});
  for (int i = 0; i < 10; ++i) pause_after_loss(poll, now);
  EXPECT_EQ(pause_after_loss(poll, now), seconds{1});
}

TEST(BusyPoll, ManySuccessesMakeUpForLosses) {
  BusyPoll poll{kTime};
  auto now = kStart;
  for (int i = 0; i < 10; ++i) pause_after_loss(poll, now);
  poll.succeeded();
  EXPECT_GT(pause_after_loss(poll, now), milliseconds{900});
  for (int i = 0; i < 100; ++i) poll.succeeded();
  EXPECT_EQ(pause_after_loss(poll, now), milliseconds{20});
}

}  // namespace
}  // namespace kvmesh
