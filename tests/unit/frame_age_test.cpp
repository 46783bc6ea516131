// How old a frame is, as its receiver can tell: never more than the truth, whatever two clocks do.

#include "common/frame_age.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <random>

namespace kvmesh {
namespace {

using std::chrono::microseconds;

constexpr std::uint64_t kMs = 1000;
constexpr std::uint64_t kSecond = 1000 * kMs;

// Sends and reads frames by two clocks, of which only the rates are known to be nearly the same.
class Way {
 public:
  // `rate_ppm`: how much faster the sender's clock goes.
  explicit Way(std::int64_t rate_ppm = 0, std::uint64_t distance = 0)
      : rate_ppm_(rate_ppm), distance_(distance) {}

  // The age that a frame is found to have, sent at `sent` and read at `read` of true time.
  std::uint64_t frame(std::uint64_t sent, std::uint64_t read) {
    const auto age = age_.observe(senders(sent), read);
    return static_cast<std::uint64_t>(age.count());
  }
  void jump(std::uint64_t by) { distance_ += by; }
  FrameAge& age() { return age_; }

 private:
  std::uint64_t senders(std::uint64_t t) const {
    const auto gained = static_cast<std::int64_t>(t) * rate_ppm_ / 1'000'000;
    return t + distance_ + static_cast<std::uint64_t>(gained);
  }

  std::int64_t rate_ppm_;
  std::uint64_t distance_;
  FrameAge age_;
};

TEST(FrameAge, IsNothingUntilAFrameTakesLongerThanTheQuickest) {
  Way way;
  EXPECT_FALSE(way.age().is_known());
  EXPECT_EQ(way.frame(0, 300), 0U);
  EXPECT_TRUE(way.age().is_known());
  EXPECT_EQ(way.frame(10 * kMs, 10 * kMs + 200), 0U);
  EXPECT_EQ(way.frame(20 * kMs, 20 * kMs + 200), 0U);
}

TEST(FrameAge, TellsTimeInQueuesWhateverTheClocksShow) {
  for (const std::uint64_t distance : {0ULL, 77ULL, 1ULL << 40, ~0ULL - 5, ~0ULL << 63}) {
    Way way{0, distance};
    way.frame(0, 200);
    const auto found = way.frame(kSecond, 6 * kSecond + 200);
    EXPECT_LE(found, 5 * kSecond);
    EXPECT_GE(found, 5 * kSecond - 7 * kMs) << "a thousandth of the six seconds may be drift";
  }
}

TEST(FrameAge, DriftOfTheClocksIsNeverTakenForAge) {
  for (const std::int64_t ppm : {-1000, -500, -1, 1, 500, 1000}) {
    Way way{ppm};
    for (std::uint64_t t = 0; t < 3 * 3600 * kSecond; t += 10 * kSecond) {
      ASSERT_EQ(way.frame(t, t + 200), 0U) << ppm << " ppm, after " << t / kSecond << " s";
    }
  }
}

TEST(FrameAge, IsNeverMoreThanTheTruth) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random{seed};
  const auto below = [&](std::uint64_t end) { return random() % end; };
  for (int round = 0; round < 200; ++round) {
    Way way{static_cast<std::int64_t>(below(2001)) - 1000, random()};
    std::uint64_t sent = 0;
    std::uint64_t read = 0;
    for (int i = 0; i < 500; ++i) {
      sent += below(4) == 0 ? below(20 * kSecond) : below(kMs);
      const auto delay = below(8) == 0 ? below(30 * kSecond) : 100 + below(2 * kMs);
      read = std::max(read, sent + delay);  // frames stay in order
      ASSERT_LE(way.frame(sent, read), read - sent);
    }
  }
}

TEST(FrameAge, ALongQueueIsKnownAfterHours) {
  Way way{-500};
  way.frame(0, 200);
  for (std::uint64_t t = kSecond; t < 3600 * kSecond; t += kSecond) way.frame(t, t + 300);
  EXPECT_GE(way.frame(3600 * kSecond, 3610 * kSecond), 9 * kSecond);
}

TEST(FrameAge, AClockThatJumpsAheadIsFollowedAtOnce) {
  Way way;
  way.frame(0, 200);
  way.jump(5 * kSecond);
  EXPECT_EQ(way.frame(kSecond, kSecond + 200), 0U);
  EXPECT_GE(way.frame(2 * kSecond, 4 * kSecond), kSecond);
}

TEST(FrameAge, AClockThatStoodStillIsTakenForAQueueUntilItIsReset) {
  Way way{0, 1ULL << 40};
  way.frame(0, 200);
  way.jump(-5 * kSecond);
  EXPECT_GE(way.frame(kSecond, kSecond + 200), 4 * kSecond);
  way.age().reset();
  EXPECT_EQ(way.frame(2 * kSecond, 2 * kSecond + 200), 0U);
  EXPECT_EQ(way.frame(3 * kSecond, 3 * kSecond + 200), 0U);
}

TEST(FrameAge, StampsWithoutSenseHarmNobody) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random{seed};
  FrameAge age;
  for (int i = 0; i < 10'000; ++i) {
    const auto seen = age.observe(random(), random());
    EXPECT_GE(seen, microseconds{0});
    EXPECT_LE(seen, FrameAge::kAgeMax);
  }
}

}  // namespace
}  // namespace kvmesh
