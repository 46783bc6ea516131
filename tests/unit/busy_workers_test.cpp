// When it is said that tasks wait for workers.
#include "node/tasks/busy_workers.h"

#include <gtest/gtest.h>

namespace kvmesh::tasks {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class BusyWorkersTest : public testing::Test {
 protected:
  // Looks every 20 ms, as the node does; how often something was to be said.
  int pass(milliseconds time) {
    int said = 0;
    for (const auto end = now_ + time; now_ < end;) {
      now_ += milliseconds{20};
      if (busy_.look(progress_, now_)) ++said;
    }
    return said;
  }

  TimePoint now_ = TimePoint{} + std::chrono::hours{1};
  RunQueue::Progress progress_;
  BusyWorkers busy_;
};

TEST_F(BusyWorkersTest, NothingIsSaidWhileNothingWaits) {
  EXPECT_EQ(pass(seconds{5}), 0);
  progress_ = {100, 100};
  EXPECT_EQ(pass(seconds{5}), 0);
}

TEST_F(BusyWorkersTest, WhatWaitsForASecondIsSaidOnce) {
  progress_ = {5, 4};
  EXPECT_EQ(pass(milliseconds{1000}), 0);
  EXPECT_EQ(pass(milliseconds{40}), 1);
  EXPECT_EQ(pass(seconds{9}), 0);
  EXPECT_EQ(pass(seconds{2}), 1) << "it lasts: again after ten seconds";
}

TEST_F(BusyWorkersTest, WorkThatIsAlwaysThereAndAlwaysDoneIsNotLate) {
  progress_ = {10, 0};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(pass(milliseconds{100}), 0);
    progress_.pushed += 10;
    progress_.popped += 10;
  }
}

TEST_F(BusyWorkersTest, AQueueThatMovesTooSlowlyIsLate) {
  progress_ = {1000, 0};
  int said = 0;
  for (int i = 0; i < 20; ++i) {
    said += pass(milliseconds{100});
    progress_.popped += 3;
  }
  EXPECT_EQ(said, 1);
}

TEST_F(BusyWorkersTest, ASuspendedProcessIsNotTakenForBusyWorkers) {
  progress_ = {5, 4};
  EXPECT_EQ(pass(milliseconds{20}), 0);
  now_ += seconds{30};
  EXPECT_EQ(pass(milliseconds{20}), 0);
  progress_ = {5, 5};
  EXPECT_EQ(pass(seconds{5}), 0);
}

}  // namespace
}  // namespace kvmesh::tasks
