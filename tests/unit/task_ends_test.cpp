// How tasks end when somebody or something ends them: limits, cancelling, a full node, a node that
// stops; and how they are listed.

#include <kvmesh/limits.h>

#include "node/tasks/processes.h"
#include "tests/unit/processes_fixture.h"

namespace kvmesh::tasks {
namespace {

using TaskEnds = ProcessesTest;

TEST_F(TaskEnds, AtItsLimitATaskIsToldToStopAndItsAskerIsAnswered) {
  const auto asked = run(Mode::kCall, milliseconds{100});
  EXPECT_EQ(runtime_.started[0].deadline, now_ + milliseconds{100});
  pass(milliseconds{99});
  EXPECT_EQ(answer(asked), "waits");
  pass(milliseconds{1});
  EXPECT_EQ(answer(asked),
            "deadline_exceeded: hello.slow <foo@h/a1> is past its limit of 100 ms; it still runs, "
            "and was told to stop: what it did stands");
  EXPECT_EQ(runtime_.stopped[0xa1], "its limit of 100 ms was over");
  EXPECT_THAT(answer(next(0xa1)), StartsWith("not_found")) << "its end was handed over";
  EXPECT_EQ(processes_.size(), 1U) << "it still runs";
  print(0xa1, "late");
  EXPECT_EQ(runtime_.credit[0xa1], 4U);
  exit(0xa1, {}, number(1));
  expect_empty();
}

TEST_F(TaskEnds, OutputBeforeTheLimitIsHandedOverFirst) {
  const auto asked = run(Mode::kCall, milliseconds{100});
  pass(milliseconds{95});
  print(0xa1, "a");
  now_ += milliseconds{5};
  processes_.on_tick(now_);
  EXPECT_EQ(answer(asked), running(0xa1, R"([[1,"a"]])"));
  EXPECT_THAT(answer(next(0xa1)), StartsWith("deadline_exceeded"));
}

TEST_F(TaskEnds, ALimitIsNoNewsForAnAskerThatOnlySaysThatItIsThere) {
  run(Mode::kSpawn, milliseconds{100});
  const auto quiet = next(0xa1, kKey, Wants::kNothing);
  pass(milliseconds{100});
  EXPECT_EQ(answer(quiet), "waits");
  EXPECT_THAT(answer(next(0xa1)), StartsWith("deadline_exceeded"));
  EXPECT_EQ(answer(quiet), running(0xa1));
  exit(0xa1);
  expect_empty();
}

TEST_F(TaskEnds, ALimitThatNobodyAsksAboutIsForgottenAndTheTaskGoesWhenItEnds) {
  run(Mode::kSpawn, milliseconds{100});
  pass(milliseconds{100} + limits::kTaskLease);
  EXPECT_THAT(answer(next(0xa1)), StartsWith("not_found"));
  EXPECT_EQ(processes_.size(), 1U);
  exit(0xa1);
  expect_empty();
}

TEST_F(TaskEnds, WithoutALimitAProcessRunsUntilItEnds) {
  run(Mode::kSpawn);
  EXPECT_EQ(runtime_.started.back().deadline, TimePoint::max());
  pass(hours{2});
  EXPECT_THAT(runtime_.stopped, IsEmpty());
  EXPECT_THAT(runtime_.reports, IsEmpty());
  EXPECT_EQ(answer(next(0xa1)), "waits");
  exit(0xa1, {}, number(1));
  EXPECT_EQ(answer(ticket_), progress(0xa1, "[],1,1"));
  expect_empty();
}

TEST_F(TaskEnds, TheNodesBoundHoldsWhenTheAskerWantsMoreOrSaysNothingAndIsTold) {
  auto bounded = options();
  bounded.time_limit = milliseconds{200};
  Processes processes{bounded, runtime_};
  const auto run_for = [&](milliseconds limit) {
    processes.run({++ticket_}, {{1}, "m.f", {}, Mode::kCall, limit, {}, kKey}, now_);
    return ticket_;
  };
  const auto more = run_for(hours{1}), none = run_for(milliseconds{0});
  const auto less = run_for(milliseconds{100}), same = run_for(milliseconds{200});
  const auto began = now_;
  EXPECT_EQ(runtime_.started[0].deadline, began + milliseconds{200});
  EXPECT_EQ(runtime_.started[1].deadline, began + milliseconds{200});
  EXPECT_EQ(runtime_.started[2].deadline, began + milliseconds{100});
  processes.on_tick(now_ += milliseconds{200});
  for (const auto asked : {more, none}) {
    EXPECT_THAT(answer(asked), HasSubstr("is past its node's tasks.time_limit_ms of 200 ms; "));
  }
  EXPECT_THAT(answer(less), HasSubstr("is past its limit of 100 ms; "));
  EXPECT_THAT(answer(same), HasSubstr("is past its limit of 200 ms; "));
  EXPECT_EQ(runtime_.stopped[0xa1], "its node's tasks.time_limit_ms of 200 ms was over");
  EXPECT_EQ(runtime_.stopped[0xa4], "its limit of 200 ms was over");
}

TEST_F(TaskEnds, WhatTheNodeEndsByItselfIsReportedAndWhatOthersEndIsNot) {
  run(Mode::kCall, milliseconds{100});
  pass(milliseconds{100});
  EXPECT_THAT(runtime_.reports,
              ElementsAre("hello.slow <foo@h/a1> was told to stop: its limit of 100 ms was over; "
                          "its asker: <me@h/1>"));
  runtime_.reports.clear();
  run(Mode::kSpawnLink);  // whose asker does not ask
  pass(limits::kTaskSlice + limits::kTaskLease);
  EXPECT_THAT(runtime_.reports,
              ElementsAre("hello.slow <foo@h/a2> was told to stop: its asker has not asked for "
                          "1500 ms; its asker: <me@h/1>"));
  runtime_.reports.clear();
  run(Mode::kSpawn);
  EXPECT_TRUE(processes_.cancel(0xa3, now_).ok());
  EXPECT_THAT(runtime_.reports, IsEmpty());
  ASSERT_TRUE(processes_.open(kKey, now_).ok());
  pass(limits::kTaskLease);
  EXPECT_THAT(runtime_.reports, ElementsAre("mailbox <foo@h/a4> was closed: its client has not "
                                            "asked for 1500 ms"));
  runtime_.reports.clear();
  processes_.run({++ticket_}, {{3}, "m.f", {}, Mode::kSpawn, {}, {}, kKey}, now_);
  processes_.stop_all(now_);
  EXPECT_THAT(runtime_.reports, ElementsAre("m.f <foo@h/a5> was told to stop: the node stops; "
                                            "its asker: a client without a pid"))
      << "a3 was told to stop already";
}

TEST_F(TaskEnds, AFloodOfEndsMakesFewLinesAndACount) {
  for (int i = 0; i < 25; ++i) run(Mode::kCall, milliseconds{100});
  pass(milliseconds{100});
  EXPECT_EQ(runtime_.reports.size(), 10U);
  pass(milliseconds{1000});
  EXPECT_EQ(runtime_.reports.size(), 11U);
  EXPECT_EQ(runtime_.reports.back(), "15 more processes were told to stop, without a line each");
  for (int i = 0; i < 12; ++i) run(Mode::kSpawn);
  processes_.stop_all(now_);
  EXPECT_EQ(runtime_.reports.size(), 22U);
  EXPECT_EQ(runtime_.reports.back(), "2 more processes were told to stop, without a line each");
}

constexpr const char* kNeverBegan =
    " ms for a free worker (4 of 4 busy) and never began, so nothing was executed: ";

TEST_F(TaskEnds, AtItsLimitATaskThatWaitsToBeginHasEndedAndIsSaidToHaveWaited) {
  const auto asked = run(Mode::kCall, milliseconds{100});
  runtime_.queued = {0xa1};
  pass(milliseconds{100});
  EXPECT_EQ(answer(asked), "deadline_exceeded: hello.slow <foo@h/a1> waited 100" +
                               std::string{kNeverBegan} + "its limit of 100 ms was over");
  EXPECT_THAT(runtime_.stopped, IsEmpty()) << "there is no body to tell";
  expect_empty();
}

TEST_F(TaskEnds, CancellingWhileItWaitsToBegin) {
  const auto asked = run();
  const auto watched = monitor(0xa1);
  runtime_.queued = {0xa1};
  now_ += milliseconds{30};
  EXPECT_TRUE(processes_.cancel(0xa1, now_).ok());
  EXPECT_EQ(answer(asked),
            "cancelled: hello.slow <foo@h/a1> waited 30" + std::string{kNeverBegan} + "cancelled");
  EXPECT_EQ(answer(watched), R"([false,"cancelled"])");
  EXPECT_EQ(processes_.cancel(0xa1, now_).code(), StatusCode::kNotFound);
  expect_empty();
}

TEST_F(TaskEnds, OneThatWaitsToBeginEndsWithItsAskerOrItsNode) {
  run();
  runtime_.queued = {0xa1, 0xa2, 0xa3};
  pass(limits::kTaskSlice);  // answered, and nobody asks again
  pass(limits::kTaskLease);
  EXPECT_THAT(answer(next(0xa1)),
              StartsWith("cancelled: hello.slow <foo@h/a1> waited 2000" + std::string{kNeverBegan} +
                         "its asker has not asked for 1500 ms"));
  run(Mode::kSpawn);
  pass(limits::kTaskLease);
  const auto asked = run();
  processes_.stop_all(now_);
  EXPECT_EQ(answer(asked), "cancelled: hello.slow <foo@h/a3> waited 0" + std::string{kNeverBegan} +
                               "the node stops");
  EXPECT_THAT(runtime_.stopped, IsEmpty());
  pass(limits::kTaskLease);
  expect_empty();
}

TEST_F(TaskEnds, ItsEndIsKeptForAnAskerThatAsksLater) {
  run(Mode::kSpawn, milliseconds{100});
  runtime_.queued = {0xa1};
  const auto quiet = next(0xa1, kKey, Wants::kNothing);
  pass(milliseconds{100});
  EXPECT_EQ(answer(quiet), "waits") << "an end is no news for it";
  EXPECT_EQ(list(), "[]");
  EXPECT_THAT(answer(next(0xa1)), StartsWith("deadline_exceeded: hello.slow <foo@h/a1> waited"));
  expect_empty();
}

TEST_F(TaskEnds, CancellingWhileItRuns) {
  const auto asked = run();
  EXPECT_TRUE(processes_.cancel(0xa1, now_).ok());
  EXPECT_EQ(runtime_.stopped[0xa1], "cancelled");
  EXPECT_TRUE(processes_.cancel(0xa1, now_).ok()) << "again: nothing more to do";
  EXPECT_EQ(answer(asked), "waits");
  exit(0xa1, {}, number(1));
  EXPECT_EQ(answer(asked), "cancelled: hello.slow <foo@h/a1> was cancelled");
  EXPECT_EQ(processes_.cancel(0xa1, now_).code(), StatusCode::kNotFound);
  expect_empty();
}

TEST_F(TaskEnds, CancellingWakesATaskThatWaitsInReceive) {
  const auto asked = run();
  wait(0xa1);
  EXPECT_TRUE(processes_.cancel(0xa1, now_).ok());
  EXPECT_THAT(runtime_.delivered[0xa1], ElementsAre("nothing"));
  wait(0xa1);  // it asks again, and is sent away again
  EXPECT_THAT(runtime_.delivered[0xa1], ElementsAre("nothing", "nothing"));
  fail(0xa1, "receive was cancelled");
  EXPECT_THAT(answer(asked), StartsWith("cancelled: "));
}

TEST_F(TaskEnds, ATaskThatWasCancelledBeforeItsLimitIsStillAnsweredInTime) {
  const auto asked = run(Mode::kCall, milliseconds{100});
  EXPECT_TRUE(processes_.cancel(0xa1, now_).ok());
  pass(milliseconds{100});
  EXPECT_THAT(answer(asked), StartsWith("cancelled: "));
  exit(0xa1);
  expect_empty();
}

TEST_F(TaskEnds, AnEndedTaskCannotBeCancelled) {
  run(Mode::kSpawn);
  exit(0xa1);
  EXPECT_EQ(processes_.cancel(0xa1, now_).code(), StatusCode::kNotFound);
  EXPECT_THAT(answer(next(0xa1)), StartsWith("[\"foo@h\""));
}

TEST_F(TaskEnds, WhatAFunctionReturnsIsNotTakenForTheNodesAnswer) {
  for (const auto code :
       {StatusCode::kOverloaded, StatusCode::kUnavailable, StatusCode::kNoRoute}) {
    const auto asked = run();
    exit(runtime_.started.back().id, {code, "its own"});
    EXPECT_EQ(answer(asked), "task_failed: " + std::string{to_string(code)} + ": its own");
  }
  const auto asked = run();
  exit(runtime_.started.back().id, {StatusCode::kNotFound, "its own"});
  EXPECT_EQ(answer(asked), "not_found: its own");
  expect_empty();
}

TEST_F(TaskEnds, AFullPoolIsToldToTheAsker) {
  runtime_.refuse = {StatusCode::kOverloaded, "10 of 10 tasks wait"};
  EXPECT_EQ(answer(run()), "overloaded: 10 of 10 tasks wait");
  EXPECT_EQ(answer(run(Mode::kSpawn)), "overloaded: 10 of 10 tasks wait");
  expect_empty();
}

TEST_F(TaskEnds, TooManyProcessesAreRefusedWithBothNumbers) {
  auto few = options();
  few.processes_max = 2;
  Processes processes{few, runtime_};
  processes.run({1}, {{1}, "f", {}, Mode::kCall, {}, {}, kKey}, now_);
  ASSERT_TRUE(processes.open(kKey, now_).ok());
  processes.run({2}, {{1}, "f", {}, Mode::kCall, {}, {}, kKey}, now_);
  const std::string why =
      "overloaded: foo@h has 2 processes, of 2 that it takes (tasks.processes_max); the request "
      "was not executed";
  EXPECT_EQ(answer(2), why);
  EXPECT_EQ(processes.open(kKey, now_).status().to_string(), why);
  processes.on_exit(0xa1, {}, {}, now_);
  EXPECT_TRUE(processes.open(kKey, now_).ok());
}

TEST_F(TaskEnds, AreListedOldestFirstWithWhatTheyDo) {
  run();
  now_ += milliseconds{30};
  run(Mode::kSpawn);
  run();
  run();
  run(Mode::kSpawn);
  run(Mode::kSpawn);
  runtime_.queued = {0xa1};
  wait(0xa2);
  runtime_.parked = {0xa3, 0xa6};
  EXPECT_TRUE(processes_.cancel(0xa3, now_).ok());
  EXPECT_TRUE(processes_.send(0xa4, message("x"), now_).ok());
  print(0xa4, "abc");
  exit(0xa5);  // ended: not listed
  const auto row = [](const char* id, int age, const char* state, int mailbox, int output) {
    return R"({"pid":"<foo@h/)" + std::string{id} +
           R"(>","function":"hello.slow","from":"<me@h/1>","age_ms":)" + std::to_string(age) +
           R"(,"state":")" + state + R"(","mailbox":)" + std::to_string(mailbox) + R"(,"output":)" +
           std::to_string(output) + "}";
  };
  EXPECT_EQ(list(), "[" + row("a1", 30, "queued", 0, 0) + "," + row("a2", 0, "waiting", 0, 0) +
                        "," + row("a3", 0, "stopping", 0, 0) + "," + row("a4", 0, "running", 1, 3) +
                        "," + row("a6", 0, "waiting", 0, 0) + "]");
}

TEST_F(TaskEnds, AListEndsWhereAPageDoes) {
  for (std::uint32_t i = 0; i < limits::kPageItemsMax + 5; ++i) run(Mode::kSpawn);
  wire::Buffer out;
  processes_.list(out, now_);
  EXPECT_LE(out.size(), limits::kPageBytesMax);
  const auto rows = wire::unpack_value(out.view());
  ASSERT_TRUE(rows.ok());
  const auto count = rows->get_if<Value::List>()->size();
  EXPECT_TRUE(count == limits::kPageItemsMax || out.size() > limits::kPageBytesMax - 200) << count;
}

TEST_F(TaskEnds, WhenTheNodeStopsAllAreToldAndNoneIsStarted) {
  const auto asked = run();
  run(Mode::kSpawn);
  const auto quiet = next(0xa2, kKey, Wants::kNothing);
  exit(0xa2);
  run();
  wait(0xa3);
  const auto box = processes_.open(kKey, now_);
  const auto poll = receive(*box);
  processes_.stop_all(now_);
  EXPECT_EQ(answer(poll), "[]");
  EXPECT_EQ(runtime_.stopped[0xa1], "the node stops");
  EXPECT_THAT(runtime_.delivered[0xa3], ElementsAre("nothing"));
  EXPECT_EQ(answer(run()), "unavailable: foo@h is stopping; the request was not executed");
  EXPECT_EQ(answer(quiet), running(0xa2));
  exit(0xa1);
  exit(0xa3);
  EXPECT_EQ(answer(asked), "cancelled: hello.slow <foo@h/a1> was stopped: the node stops");
  expect_empty();
}

}  // namespace
}  // namespace kvmesh::tasks
