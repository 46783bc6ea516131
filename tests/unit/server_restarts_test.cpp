// Servers that are started anew by request (server.restart), and how those that do not run are
// listed.

#include "tests/unit/servers_fixture.h"

namespace kvmesh::tasks {
namespace {

using ServerRestarts = Servers;

TEST_F(ServerRestarts, OneThatWasGivenUpIsListedAndStartsAnewByRequest) {
  start();
  for (int i = 0; i < 3; ++i) fail(current(), "no state");
  now_ += milliseconds{30};
  EXPECT_EQ(
      list(),
      R"([{"pid":null,"function":"server counter","from":null,"age_ms":30,"state":"given_up",)"
      R"("mailbox":0,"output":0,"restarts":2,"restarts_counted":2,"restarts_max":2,)"
      R"("restarts_period_ms":1000,"why":"failed: no state"}])");
  const auto restarted = processes_.restart("counter", now_);
  ASSERT_TRUE(restarted.ok());
  EXPECT_EQ(*restarted, current());
  EXPECT_EQ(runtime_.servers.size(), 4U);
  EXPECT_EQ(runtime_.reports.back(), "server counter is started anew by request; it was given_up");
  wait(current());
  const auto asked = call("counter", "a");
  serve(current(), {}, number(1));
  EXPECT_EQ(answer(asked), "1");
  EXPECT_THAT(list(), HasSubstr(R"("state":"waiting","mailbox":0,"output":0,"restarts":3,)"
                                R"("restarts_counted":0,"restarts_max":2,)"
                                R"("restarts_period_ms":1000,"why":"failed: no state"})"));
  for (int i = 0; i < 2; ++i) fail(current(), "again");
  EXPECT_EQ(runtime_.servers.size(), 6U) << "its restarts count from none";
}

// As the log counts them; a restart by request is none of these, and one counts for its period.
TEST_F(ServerRestarts, AreListedWithThoseThatCount) {
  start({Kind::kPermanent, 3, milliseconds{1000}});
  fail(current(), "x");
  now_ += milliseconds{400};
  fail(current(), "y");
  EXPECT_THAT(runtime_.reports.back(), HasSubstr("is restarted, 2 of 3 times in 1000 ms"));
  const auto counts = [&](int all, int counted) {
    return HasSubstr("\"restarts\":" + std::to_string(all) +
                     ",\"restarts_counted\":" + std::to_string(counted) + ",");
  };
  EXPECT_THAT(list(), counts(2, 2));
  now_ += milliseconds{599};
  EXPECT_THAT(list(), counts(2, 2));
  now_ += milliseconds{1};
  EXPECT_THAT(list(), counts(2, 1));
  EXPECT_TRUE(processes_.restart("counter", now_).ok());
  exit(current());
  EXPECT_THAT(list(), counts(3, 0));
}

TEST_F(ServerRestarts, OneThatRunsIsStoppedAndStartsAnewByRequest) {
  const auto id = start({Kind::kPermanent, 1, milliseconds{1000}});
  wait(id);
  fail(id, "x");
  const auto second = current();
  const auto restarted = processes_.restart("counter", now_);
  ASSERT_TRUE(restarted.ok());
  EXPECT_EQ(*restarted, std::nullopt);
  EXPECT_EQ(runtime_.stopped[second], "it is restarted");
  exit(second);
  EXPECT_NE(current(), second);
  EXPECT_THAT(runtime_.reports.back(), HasSubstr("> is restarted by request"));
  wait(current());
  EXPECT_TRUE(processes_.cancel(current(), now_).ok());
  exit(current());
  EXPECT_THAT(runtime_.reports.back(), HasSubstr("> was cancelled and is restarted"));
  fail(current(), "y");
  EXPECT_EQ(runtime_.servers.size(), 5U) << "its restarts count from none";
}

// A list of texts that are not UTF-8 could not be read by every client.
TEST_F(ServerRestarts, ALongReasonIsCutBetweenTwoCharacters) {
  start();
  const std::string text = "failed: " + std::string(1014, 'x');
  for (const std::string character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    fail(current(), std::string(1014, 'x') + character + character);
    const auto fits = text.size() + character.size() <= 1024;
    EXPECT_THAT(list(), HasSubstr(text + (fits ? character : "") + "\"}")) << character.size();
  }
}

TEST_F(ServerRestarts, OneThatEndedStartsAnewByRequest) {
  const auto id = start({Kind::kTransient, 1, milliseconds{1000}});
  exit(id);
  EXPECT_THAT(list(),
              HasSubstr(R"("state":"ended","mailbox":0,"output":0,"restarts":0,)"
                        R"("restarts_counted":0,"restarts_max":1,"restarts_period_ms":1000})"));
  EXPECT_TRUE(processes_.restart("counter", now_).ok());
  EXPECT_NE(current(), id);
}

TEST_F(ServerRestarts, ARestartThatFindsNoRoomIsTriedAgain) {
  start({Kind::kPermanent, 0, milliseconds{1000}});
  fail(current(), "x");
  runtime_.refuse = {StatusCode::kOverloaded, "10 of 10 fibers exist"};
  for (int i = 0; i < 2; ++i) {
    const auto restarted = processes_.restart("counter", now_);
    ASSERT_TRUE(restarted.ok());
    EXPECT_EQ(*restarted, std::nullopt);
  }
  EXPECT_EQ(state(), "restarting");
  runtime_.refuse = {};
  pass(milliseconds{100});
  EXPECT_EQ(runtime_.servers.size(), 2U) << "once";
}

TEST_F(ServerRestarts, WhatCannotBeRestartedSaysWhy) {
  start({Kind::kPermanent, 0, milliseconds{1000}});
  EXPECT_EQ(processes_.restart("contour", now_).status().to_string(),
            "not_found: foo@h has no server or supervised task \"contour\"; it has: counter");
  fail(current(), "x");
  runtime_.refuse = {StatusCode::kInternal, "no such place"};
  EXPECT_THAT(processes_.restart("counter", now_).status().to_string(),
              StartsWith("unavailable: server counter could not be started; its last failure: no"));
  EXPECT_EQ(state(), "not_startable");
  processes_.stop_all(now_);
  EXPECT_EQ(processes_.restart("counter", now_).status().to_string(),
            "unavailable: foo@h is stopping; the request was not executed");
}

}  // namespace
}  // namespace kvmesh::tasks
