#include <chrono>

#include <gtest/gtest.h>

#include "client/command/backup/pace.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;

TEST(Pace, RestsForAsLongAsItWorkedWithinABound) {
  EXPECT_EQ(Pace::pause_after(milliseconds{3}), milliseconds{3});
  EXPECT_EQ(Pace::pause_after(milliseconds{3000}), Pace::kPauseMax);
  EXPECT_EQ(Pace::pause_after(milliseconds{0}), milliseconds{0});
}

}  // namespace
}  // namespace kvmesh::command
