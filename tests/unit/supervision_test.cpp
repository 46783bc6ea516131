// Servers and supervised tasks: one delivery after the other, crashes, restarts, giving up.

#include "node/tasks/supervision.h"

#include <kvmesh/limits.h>

#include "node/tasks/processes.h"
#include "tests/unit/servers_fixture.h"

namespace kvmesh::tasks {
namespace {

constexpr TimePoint kStart = TimePoint{} + hours{1};

TEST(RestartCounter, AllowsSoManyInAnyPeriod) {
  RestartCounter counter{{Kind::kPermanent, 2, milliseconds{100}}};
  struct Step {
    int at_ms;
    bool allowed;
    std::size_t count;
  };
  for (const auto& step : std::vector<Step>{{0, true, 1},
                                            {60, true, 2},
                                            {99, false, 2},
                                            {100, true, 2},  // the first is a period old
                                            {159, false, 2},
                                            {160, true, 2},
                                            {161, false, 2},
                                            {1000, true, 1},  // a fresh period
                                            {1001, true, 2},
                                            {1002, false, 2}}) {
    EXPECT_EQ(counter.allow(kStart + milliseconds{step.at_ms}), step.allowed) << step.at_ms;
    EXPECT_EQ(counter.count(), step.count) << step.at_ms;
  }
}

TEST(RestartCounter, OfNoneAllowsNone) {
  RestartCounter counter{{Kind::kPermanent, 0, milliseconds{100}}};
  EXPECT_FALSE(counter.allow(kStart));
}

TEST_F(Servers, ACallIsHandledWhenTheStateIsThere) {
  const auto id = start();
  EXPECT_THAT(runtime_.servers, ElementsAre(std::pair{id, 9U}));
  const auto asked = call("counter", "add");
  EXPECT_THAT(runtime_.delivered[id], IsEmpty());
  wait(id);
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("call add \"args\""));
  EXPECT_EQ(state(), "running");
  EXPECT_EQ(answer(asked), "waits");
  serve(id, {}, number(1));
  EXPECT_EQ(answer(asked), "1");
  EXPECT_EQ(state(), "waiting");
}

TEST_F(Servers, DeliveriesAreHandledOneAfterTheOtherInTheirOrder) {
  const auto id = start();
  wait(id);
  const auto first = call("counter", "a");
  EXPECT_TRUE(cast("b").ok());
  EXPECT_TRUE(processes_.send("counter", message("c", "<me@h/1>"), now_).ok());
  EXPECT_TRUE(processes_.send(id, message("d"), now_).ok());
  const auto last = call("counter", "e");
  EXPECT_EQ(runtime_.delivered[id].size(), 1U);
  serve(id, {}, number(1));
  serve(id);
  serve(id);
  serve(id);
  EXPECT_THAT(runtime_.delivered[id],
              ElementsAre("call a \"args\"", "cast b \"args\"", "message \"c\" from <me@h/1>",
                          "message \"d\"", "call e \"args\""));
  EXPECT_EQ(answer(first), "1");
  EXPECT_EQ(answer(last), "waits");
  serve(id, {StatusCode::kInvalidArgument, "counter.e takes none"});
  EXPECT_EQ(answer(last), "invalid_argument: counter.e takes none");
  EXPECT_THAT(runtime_.reports, IsEmpty()) << "a refused call is no crash";
}

TEST_F(Servers, SendThemselvesTimedMessages) {
  const auto id = start();
  EXPECT_TRUE(processes_.on_timer(id, milliseconds{100}, text("tick"), now_).ok());
  wait(id);
  pass(milliseconds{100});
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("timer \"tick\""));
}

TEST_F(Servers, OutputOfAServerIsForNobody) {
  const auto id = start();
  print(id, "abc");
  EXPECT_EQ(runtime_.credit[id], 3U);
}

TEST_F(Servers, AreNotStoppedByTimeAlone) {
  const auto id = start();
  wait(id);
  pass(milliseconds{120000});
  EXPECT_EQ(processes_.size(), 1U);
  EXPECT_THAT(runtime_.stopped, IsEmpty());
  EXPECT_THAT(runtime_.delivered, IsEmpty());
}

TEST_F(Servers, ACrashFailsTheCallUnderWayRefusesThoseBehindItAndStartsAnew) {
  const auto id = start();
  const auto watch = monitor(id);
  wait(id);
  const auto first = call("counter", "a"), second = call("counter", "b");
  EXPECT_TRUE(cast("c").ok());
  fail(id, "division by zero");
  EXPECT_EQ(answer(first), "task_failed: division by zero");
  EXPECT_EQ(answer(second),
            "unavailable: server counter ended (failed: division by zero) before this call's turn "
            "came; it was not executed");
  EXPECT_EQ(answer(watch), R"([false,"failed: division by zero"])");
  EXPECT_THAT(runtime_.reports, ElementsAre("server counter <foo@h/a1> ended (failed: division by "
                                            "zero) and is restarted, 1 of 2 times in 1000 ms"));
  EXPECT_NE(current(), id);
  wait(current());
  const auto third = call("counter", "a");
  EXPECT_THAT(runtime_.delivered[current()], ElementsAre("call a \"args\"")) << "the cast is gone";
  serve(current(), {}, number(1));
  EXPECT_EQ(answer(third), "1");
}

TEST_F(Servers, IsGivenUpAfterItsRestartsAndSaysSo) {
  start();
  for (int i = 0; i < 3; ++i) fail(current(), "no state");
  EXPECT_THAT(runtime_.reports.back(),
              "server counter <foo@h/a3> ended (failed: no state) and is given up after 2 restarts "
              "in 1000 ms");
  const std::string why =
      "unavailable: server counter was given up after 2 restarts in 1000 ms; its last failure: "
      "failed: no state; the request was not executed";
  EXPECT_EQ(answer(call("counter", "a")), why);
  EXPECT_EQ(cast("a").to_string(), why);
  EXPECT_EQ(processes_.send("counter", message("x"), now_).to_string(), why);
  pass(milliseconds{5000});
  EXPECT_EQ(runtime_.servers.size(), 3U);
  expect_empty();
}

TEST_F(Servers, OneThatCrashesNowAndThenIsRestartedForEver) {
  start();
  for (int i = 0; i < 50; ++i) {
    fail(current(), "now and then");
    pass(milliseconds{500});
  }
  EXPECT_EQ(runtime_.servers.size(), 51U);
}

TEST_F(Servers, ATransientOneThatEndsWithoutAnErrorIsNotRestarted) {
  const auto id = start({Kind::kTransient, 5, milliseconds{1000}});
  fail(id, "x");
  ASSERT_NE(current(), id) << "after a failure it is";
  wait(current());
  const auto asked = call("counter", "stop");
  exit(current());
  EXPECT_EQ(answer(asked), "task_failed: server counter ended without an answer");
  EXPECT_EQ(runtime_.servers.size(), 2U);
  EXPECT_EQ(answer(call("counter", "a")),
            "unavailable: server counter has ended; the request was not executed");
}

TEST_F(Servers, APermanentOneIsRestartedHoweverItEnds) {
  const auto id = start();
  exit(id);
  EXPECT_NE(current(), id);
}

TEST_F(Servers, CancellingOneStartsItAnew) {
  const auto id = start();
  wait(id);
  const auto asked = call("counter", "a");
  EXPECT_TRUE(processes_.cancel(id, now_).ok());
  const auto waiting = call("counter", "b");
  exit(id);
  EXPECT_THAT(answer(asked), StartsWith("cancelled: server counter <foo@h/"));
  EXPECT_THAT(answer(waiting), StartsWith("unavailable: server counter ended (cancelled) before"));
  EXPECT_NE(current(), id);
  EXPECT_THAT(runtime_.reports,
              ElementsAre("server counter <foo@h/a1> was cancelled and is restarted"));
}

// tasks.allow holds for the reasons of processes that have ended, too.
TEST_F(Servers, WhatMustBeAllowedIsKnownAsLongAsTheReasonOfTheEnd) {
  const auto id = start();
  EXPECT_EQ(processes_.right_to(id), "counter.*");
  EXPECT_EQ(processes_.right_to("counter"), "counter.*");
  EXPECT_EQ(processes_.right_to("nobody"), "nobody.*");
  fail(id, "x");
  EXPECT_EQ(processes_.right_to(id), "counter.*");
  pass(hours{1});
  EXPECT_EQ(processes_.right_to(id), std::nullopt);
}

TEST_F(Servers, BeingCancelledCountsAsNoRestart) {
  start({Kind::kPermanent, 1, milliseconds{1000}});
  for (std::size_t times = 1; times <= 5; ++times) {
    wait(current());
    EXPECT_TRUE(processes_.cancel(current(), now_).ok());
    exit(current());
    ASSERT_EQ(runtime_.servers.size(), 1 + times);
  }
  fail(current(), "x");
  EXPECT_EQ(runtime_.servers.size(), 7U) << "its one restart";
  fail(current(), "y");
  EXPECT_EQ(runtime_.servers.size(), 7U) << "given up";
  EXPECT_THAT(runtime_.reports.back(), HasSubstr("> ended (failed: y) and is given up"));
}

TEST_F(Servers, ATransientOneThatIsCancelledIsRestartedToo) {
  const auto id = start({Kind::kTransient, 0, milliseconds{1000}});
  wait(id);
  EXPECT_TRUE(processes_.cancel(id, now_).ok());
  exit(id);
  EXPECT_NE(current(), id);
}

TEST_F(Servers, ACallWhoseTimeIsOverBeforeItsTurnIsNotExecuted) {
  const auto id = start();
  wait(id);
  call("counter", "slow");
  const auto late = call("counter", "late", now_ + milliseconds{100});
  const auto patient = call("counter", "patient");
  pass(milliseconds{100});
  serve(id);
  EXPECT_THAT(answer(late),
              StartsWith("deadline_exceeded: the time of the call was over before its turn came"));
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("call slow \"args\"", "call patient \"args\""));
  EXPECT_EQ(answer(patient), "waits");
}

TEST_F(Servers, AFullMailboxRefusesCallsAndCasts) {
  start();
  for (std::size_t i = 0; i < limits::kMailboxMessagesMax; ++i) ASSERT_TRUE(cast("a").ok());
  EXPECT_EQ(cast("a").code(), StatusCode::kOverloaded);
  EXPECT_THAT(answer(call("counter", "a")),
              StartsWith("overloaded: the mailbox of server counter <foo@h/"));
}

TEST_F(Servers, AFullPoolIsTriedAgainAndCountsAsNoRestart) {
  runtime_.refuse = {StatusCode::kOverloaded, "10 of 10 fibers exist"};
  EXPECT_TRUE(
      processes_.add_server("counter", {9}, {Kind::kPermanent, 1, milliseconds{1000}}).ok());
  EXPECT_EQ(answer(call("counter", "a")),
            "unavailable: server counter is not started yet; the request was not executed");
  processes_.start_supervised(now_);
  pass(milliseconds{1000});
  EXPECT_EQ(answer(call("counter", "a")),
            "unavailable: server counter is being restarted; its last failure: "
            "10 of 10 fibers exist; the request was not executed");
  runtime_.refuse = {};
  pass(milliseconds{100});
  ASSERT_EQ(runtime_.servers.size(), 1U);
  fail(current(), "x");
  EXPECT_EQ(runtime_.servers.size(), 2U) << "its one restart";
}

TEST_F(Servers, OneThatCannotBeStartedIsReported) {
  runtime_.refuse = {StatusCode::kInternal, "no such place"};
  EXPECT_TRUE(processes_.add_server("counter", {9}, {}).ok());
  processes_.start_supervised(now_);
  EXPECT_THAT(runtime_.reports,
              ElementsAre("server counter cannot be started: internal: no such place"));
  EXPECT_THAT(answer(call("counter", "a")),
              StartsWith("unavailable: server counter could not be started"));
}

TEST_F(Servers, NamesAndPoliciesAreChecked) {
  EXPECT_TRUE(processes_.add_server("counter", {9}, {}).ok());
  EXPECT_EQ(processes_.add_task("counter", {{1}, "f", {}}, {}).to_string(),
            "invalid_argument: there are two servers or supervised tasks of the name \"counter\"; "
            "rename one");
  EXPECT_EQ(processes_.add_server("", {9}, {}).to_string(),
            "invalid_argument: a server or supervised task needs a name");
  EXPECT_EQ(processes_.add_server("x", {9}, {Kind::kPermanent, 1, milliseconds{0}}).to_string(),
            "invalid_argument: server x has a restart period of 0 ms; it must be at least 1 ms");
  EXPECT_EQ(answer(call("contour", "a")),
            "not_found: foo@h has no server or supervised task \"contour\"; it has: counter");
}

TEST_F(Servers, AreNotRestartedWhenTheNodeStops) {
  const auto id = start();
  wait(id);
  processes_.stop_all(now_);
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("nothing"));
  exit(id);
  EXPECT_EQ(runtime_.servers.size(), 1U);
  EXPECT_EQ(answer(call("counter", "a")),
            "unavailable: server counter has ended; its last failure: killed: the node "
            "stops; the request was not executed");
  expect_empty();
}

TEST_F(Servers, AnAnswerWithoutADeliveryIsADefect) {
  const auto id = start();
  wait(id);
  EXPECT_DEATH(serve(id), "");
}

TEST_F(Servers, OneThatReceivesInTheMiddleOfACallIsADefect) {
  const auto id = start();
  wait(id);
  call("counter", "a");
  EXPECT_DEATH(wait(id), "");
}

TEST_F(Servers, ASupervisedTaskRunsAlwaysTakesMessagesByNameAndNoCalls) {
  EXPECT_TRUE(processes_
                  .add_task("ticker", {{4}, "hello.ticker", text("args")},
                            {Kind::kPermanent, 1, milliseconds{1000}})
                  .ok());
  processes_.start_supervised(now_);
  ASSERT_EQ(runtime_.started.size(), 1U);
  EXPECT_EQ(processes_.right_to("ticker"), "hello.ticker");
  EXPECT_EQ(runtime_.started[0].function.value, 4U);
  EXPECT_EQ(runtime_.started[0].args, text("args"));
  EXPECT_EQ(runtime_.started[0].deadline, TimePoint::max());
  wait(last());
  EXPECT_TRUE(processes_.send("ticker", message("x"), now_).ok());
  EXPECT_THAT(runtime_.delivered[last()], ElementsAre("message \"x\""));
  EXPECT_EQ(
      answer(call("ticker", "a")),
      "invalid_argument: \"ticker\" is a task, not a server; it takes messages, but no calls");
  print(last(), "abc");
  EXPECT_EQ(runtime_.credit[last()], 3U);
  pass(milliseconds{120000});
  EXPECT_THAT(runtime_.stopped, IsEmpty()) << "no limit, no lease";

  exit(last());
  EXPECT_EQ(runtime_.started.size(), 2U);
  EXPECT_EQ(runtime_.started[1].args, text("args"));
  fail(last(), "x");
  EXPECT_EQ(runtime_.started.size(), 2U);
  EXPECT_EQ(runtime_.reports.back(),
            "task ticker <foo@h/a2> ended (failed: x) and is given up after 1 restarts in 1000 ms");
  EXPECT_THAT(answer(next(last())), StartsWith("not_found")) << "nobody has its key";
  expect_empty();
}

}  // namespace
}  // namespace kvmesh::tasks
