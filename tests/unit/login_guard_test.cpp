#include "node/stream/login_guard.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace kvmesh::stream {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class LoginGuardTest : public testing::Test {
 protected:
  static LoginGuard::Try of(std::uint8_t address, std::string user, bool is_token = false) {
    return {AddressKey::of_v4({10, 0, 0, address}), std::move(user), is_token};
  }
  long wait(const LoginGuard::Try& one) { return guard_.wait(one, now_).count(); }
  void attempt(const LoginGuard::Try& one, bool is_right) {
    guard_.begin(one);
    guard_.end(one, is_right, now_);
  }
  // Tries wrong secrets whenever it may, and says how often that was.
  int guess(const LoginGuard::Try& one, seconds time) {
    int tries = 0;
    for (const auto until = now_ + time; now_ < until; now_ += seconds{1}) {
      while (wait(one) == 0) {
        attempt(one, false);
        ++tries;
      }
    }
    return tries;
  }

  LoginGuard guard_;
  TimePoint now_ = TimePoint{} + std::chrono::hours{1};
};

TEST_F(LoginGuardTest, AnAddressHasFiveFailuresAndThenPausesThatDouble) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(wait(of(1, "user" + std::to_string(i))), 0);
    attempt(of(1, "user" + std::to_string(i)), false);
  }
  const auto one = of(1, "another");
  EXPECT_EQ(wait(one), 60);
  EXPECT_EQ(wait(of(2, "another")), 0) << "other addresses have nothing to do with it";
  for (const int pause : {60, 120, 240, 480, 900, 900}) {
    EXPECT_EQ(wait(one), pause);
    now_ += seconds{pause - 1};
    EXPECT_EQ(wait(one), 1);
    now_ += seconds{1};
    ASSERT_EQ(wait(one), 0);
    attempt(one, false);
  }
  now_ += minutes{15} + minutes{15};
  EXPECT_EQ(guess(one, seconds{1}), 5) << "it has kept quiet for so long";
}

TEST_F(LoginGuardTest, NoMinuteHasMoreThanSixGuesses) {
  EXPECT_LE(guess(of(1, "ops"), minutes{1}), 5);
  EXPECT_LE(guess(of(1, "ops"), minutes{60}), 9);
}

TEST_F(LoginGuardTest, FourAMinuteAreNoReasonToPause) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(wait(of(1, "ops")), 0) << i;
    attempt(of(1, "ops"), false);
    now_ += seconds{16};
  }
}

TEST_F(LoginGuardTest, GuessesFromManyAddressesShutAUserOutButNotWhereItWasLately) {
  attempt(of(200, "ops"), true);
  for (std::uint8_t address = 1; address <= 100; ++address) {
    if (wait(of(address, "ops")) == 0) attempt(of(address, "ops"), false);
  }
  EXPECT_GT(wait(of(150, "ops")), 0);
  EXPECT_EQ(wait(of(200, "ops")), 0);
  EXPECT_EQ(wait(of(150, "ops", true)), 0) << "tokens cannot be guessed";
  EXPECT_EQ(wait(of(150, "app1")), 0);
  now_ += std::chrono::hours{23};
  for (std::uint8_t address = 1; address <= 100; ++address) {
    if (wait(of(address, "ops")) == 0) attempt(of(address, "ops"), false);
  }
  EXPECT_EQ(wait(of(200, "ops")), 0);
  now_ += std::chrono::hours{2};
  for (std::uint8_t address = 1; address <= 100; ++address) {
    if (wait(of(address, "ops")) == 0) attempt(of(address, "ops"), false);
  }
  EXPECT_GT(wait(of(200, "ops")), 0) << "that is too long ago";
}

TEST_F(LoginGuardTest, ThoseUnderWayCountAndRightOnesDoNot) {
  for (int i = 0; i < 5; ++i) guard_.begin(of(1, "ops"));
  EXPECT_EQ(wait(of(1, "ops")), 1);
  for (int i = 0; i < 5; ++i) guard_.end(of(1, "ops"), true, now_);
  EXPECT_EQ(wait(of(1, "ops")), 0);
  for (int i = 0; i < 100; ++i) attempt(of(1, "ops"), true);
  EXPECT_EQ(wait(of(1, "ops")), 0);
}

TEST_F(LoginGuardTest, ARightOneWashesNoFailuresAway) {
  for (int i = 0; i < 5; ++i) {
    attempt(of(1, "ops"), false);
    attempt(of(1, "mine"), true);  // the guesser's own
  }
  EXPECT_GT(wait(of(1, "ops")), 0);
}

TEST_F(LoginGuardTest, WhatItKeepsIsBounded) {
  for (int i = 0; i < 20000; ++i) {
    attempt({AddressKey::of_v4(
                 {10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}),
             "user" + std::to_string(i)},
            i % 2 == 0);
  }
  EXPECT_EQ(wait(of(1, "ops")), 0);
}

}  // namespace
}  // namespace kvmesh::stream
