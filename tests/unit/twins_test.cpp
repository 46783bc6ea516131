// Two nodes of one name: when it is known that there are two, and how often it is told.
#include "node/mesh/twins.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace kvmesh::mesh {
namespace {

using std::chrono::milliseconds;

class TwinsTest : public testing::Test {
 protected:
  void greet(std::uint64_t incarnation, const std::string& address = "a") {
    twins_.greeted("bar@h", incarnation, address, now_);
  }
  std::optional<std::string> hear(std::uint64_t incarnation) {
    return twins_.heard("bar@h", incarnation, now_);
  }

  Twins twins_;
  TimePoint now_{std::chrono::hours{1}};
};

TEST_F(TwinsTest, ANodeThatIsStartedAnewIsNone) {
  greet(1);
  EXPECT_EQ(hear(1), std::nullopt);
  greet(2);
  now_ += Twins::kEndTakes - milliseconds{1};
  EXPECT_EQ(hear(1), std::nullopt) << "what it had sent is read late";
  now_ += std::chrono::hours{1};
  EXPECT_EQ(hear(2), std::nullopt);
}

TEST_F(TwinsTest, AnOlderOneThatGoesOnIsTold) {
  greet(1, "one");
  greet(2, "another");
  now_ += Twins::kEndTakes;
  EXPECT_EQ(hear(2), std::nullopt) << "each of its reactors has a connection";
  EXPECT_EQ(hear(1), "another");
  EXPECT_EQ(hear(1), std::nullopt);
  now_ += Twins::kTold;
  EXPECT_EQ(hear(1), "another");
}

// Each time that one connects anew it is the newer.
TEST_F(TwinsTest, TheyAreToldOnceWhicheverConnectsAnew) {
  for (const std::uint64_t incarnation : {1, 2, 1, 2}) {
    greet(incarnation);
    now_ += milliseconds{100};
  }
  now_ += Twins::kEndTakes;
  EXPECT_TRUE(hear(1));
  greet(1);
  now_ += Twins::kEndTakes;
  EXPECT_EQ(hear(2), std::nullopt);
}

TEST_F(TwinsTest, AGreetingAgainIsNoNews) {
  greet(1);
  greet(2);
  now_ += Twins::kEndTakes;
  greet(2);
  EXPECT_TRUE(hear(1));
}

// As a process may be that has another's key, and is no kvmesh.
TEST_F(TwinsTest, OneThatDoesNotTellWhichStartItIsIsToldToo) {
  greet(1, "one");
  greet(0, "another");
  now_ += Twins::kEndTakes;
  EXPECT_EQ(hear(0), std::nullopt);
  EXPECT_EQ(hear(1), "another");
  greet(1, "one");
  now_ += Twins::kTold;
  EXPECT_EQ(hear(0), "one");
}

TEST_F(TwinsTest, ClientsAndOtherNamesAreNone) {
  for (const std::uint64_t incarnation : {1, 2}) {
    twins_.greeted("", incarnation, "a", now_);
    twins_.greeted("bar@h" + std::to_string(incarnation), incarnation, "a", now_);
    twins_.greeted("old@h", 0, "a", now_);
  }
  now_ += std::chrono::hours{1};
  EXPECT_EQ(twins_.heard("", 1, now_), std::nullopt);
  EXPECT_EQ(twins_.heard("bar@h1", 1, now_), std::nullopt);
  EXPECT_EQ(twins_.heard("old@h", 0, now_), std::nullopt);
  EXPECT_EQ(twins_.heard("other@h", 1, now_), std::nullopt);
}

}  // namespace
}  // namespace kvmesh::mesh
