#include "node/pause_watch.h"

#include <chrono>
#include <optional>

#include <gtest/gtest.h>

namespace kvmesh {
namespace {

using std::chrono::milliseconds;

// A reactor whose passes take what the test says of each clock.
class PauseWatchTest : public testing::Test {
 protected:
  PauseWatchTest() { watch_.begin(now_, used_); }

  std::optional<milliseconds> pass(milliseconds took, milliseconds worked) {
    now_ += took;
    used_ += worked;
    return watch_.look(now_, [this] { return used_; });
  }
  void run_for(milliseconds time, bool busy) {
    for (milliseconds done{}; done < time; done += milliseconds{5}) {
      EXPECT_FALSE(pass(milliseconds{5}, busy ? milliseconds{5} : milliseconds{}));
    }
  }

  PauseWatch watch_{milliseconds{1000}};
  PauseWatch::Time now_ = std::chrono::hours{5};
  PauseWatch::Time used_ = std::chrono::minutes{7};
};

TEST_F(PauseWatchTest, AProcessThatWasStoppedHadAPause) {
  run_for(milliseconds{200}, false);
  EXPECT_EQ(pass(milliseconds{1500}, milliseconds{1}), milliseconds{1499});
  EXPECT_FALSE(pass(milliseconds{5}, milliseconds{5})) << "it is told once";
}

TEST_F(PauseWatchTest, APassThatWorksForLongIsNone) {
  run_for(milliseconds{200}, true);
  EXPECT_FALSE(pass(milliseconds{1700}, milliseconds{1690}));
  EXPECT_FALSE(pass(milliseconds{1700}, milliseconds{1690})) << "nor the next";
}

TEST_F(PauseWatchTest, APauseInALongPassIsSeen) {
  run_for(milliseconds{200}, true);
  const auto pause = pass(milliseconds{4000}, milliseconds{1500});
  ASSERT_TRUE(pause);
  EXPECT_LE(*pause, milliseconds{2500});
  EXPECT_GE(*pause, milliseconds{2500} - PauseWatch::kMarkEvery);
}

TEST_F(PauseWatchTest, ShorterPausesDoNotMatter) {
  run_for(milliseconds{200}, false);
  EXPECT_FALSE(pass(milliseconds{999}, milliseconds{0}));
  EXPECT_TRUE(pass(milliseconds{1000}, milliseconds{0}));
}

TEST_F(PauseWatchTest, WhatWasUsedBeforeItBeganIsNoWorkInAPause) {
  PauseWatch late{milliseconds{1000}};
  late.begin(now_, used_);
  EXPECT_EQ(late.look(now_ + milliseconds{1200}, [this] { return used_; }), milliseconds{1200});
}

}  // namespace
}  // namespace kvmesh
