// Tasks: progress, output and its credit, results, slices, keys, leases in each mode.

#include "node/tasks/processes.h"

#include <kvmesh/limits.h>

#include "tests/unit/processes_fixture.h"

namespace kvmesh::tasks {
namespace {

using Tasks = ProcessesTest;

constexpr milliseconds kSlice = limits::kTaskSlice;
constexpr milliseconds kLease = limits::kTaskLease;

TEST_F(Tasks, AQuickTaskIsAnsweredWithOneReplyAndForgotten) {
  const auto asked = run();
  ASSERT_EQ(runtime_.started.size(), 1U);
  EXPECT_EQ(runtime_.started[0].id, 0xa1U);
  EXPECT_EQ(runtime_.started[0].function.value, 3U);
  EXPECT_EQ(runtime_.started[0].args, text("args"));
  EXPECT_EQ(runtime_.started[0].deadline, TimePoint::max());
  EXPECT_EQ(answer(asked), "waits");
  print(0xa1, "hello\n");
  exit(0xa1, {}, number(42));
  EXPECT_EQ(answer(asked), progress(0xa1, R"([[1,"hello\n"]],1,42)"));
  expect_empty();
}

TEST_F(Tasks, AResultMayBeNil) {
  const auto asked = run();
  exit(last());
  EXPECT_EQ(answer(asked), progress(0xa1, "[],1,null"));
}

TEST_F(Tasks, IdsCountUpAndAreNotUsedAgainThoughTheTaskIsGone) {
  for (ProcessId id = 0xa1; id < 0xa9; ++id) {
    run();
    EXPECT_EQ(last(), id);
    exit(last());
  }
  runtime_.refuse = {StatusCode::kOverloaded, "no"};
  run();
  runtime_.refuse = {};
  run();
  EXPECT_GE(last(), 0xa9U);
}

TEST(TaskIds, ZeroIsNobodysId) {
  ProcessTable table{~std::uint64_t{0}};
  EXPECT_EQ(table.take_id(), ~std::uint64_t{0});
  EXPECT_EQ(table.take_id(), 1U);
}

TEST_F(Tasks, OutputIsHandedOverAtTheEndOfThePassInItsOrderAcrossStreams) {
  const auto asked = run();
  print(last(), "a");
  print(last(), "b", Stream::kErr);
  print(last(), "c");
  EXPECT_EQ(answer(asked), "waits");
  processes_.flush(now_);
  EXPECT_EQ(answer(asked), running(0xa1, R"([[1,"a"],[2,"b"],[1,"c"]])"));
  EXPECT_EQ(runtime_.credit[0xa1], 3U);
  EXPECT_EQ(processes_.meters().output.bytes(), 0U);
}

TEST_F(Tasks, WithoutAPollOutputWaitsAndIsFetchedByTheNextOneAtOnce) {
  run();
  print(last(), "a");
  processes_.flush(now_);
  print(last(), "b");
  print(last(), "c");
  processes_.flush(now_);
  EXPECT_EQ(processes_.meters().output.bytes(), 2U);
  EXPECT_EQ(answer(next(0xa1)), running(0xa1, R"([[1,"b"],[1,"c"]])"));
  const auto waits = next(0xa1);
  EXPECT_EQ(answer(waits), "waits");
  print(last(), "d");
  exit(last(), {}, number(1));
  EXPECT_EQ(answer(waits), progress(0xa1, R"([[1,"d"]],1,1)"));
}

TEST_F(Tasks, AFullWindowGivesNoCreditUntilSomebodyPolls) {
  run();
  print(last(), "x");
  processes_.flush(now_);
  runtime_.credit.clear();
  print(last(), std::string(limits::kTaskOutputBytesMax, 'x'));
  pass(milliseconds{1000});
  EXPECT_THAT(runtime_.credit, IsEmpty());
  next(0xa1);
  EXPECT_EQ(runtime_.credit[0xa1], limits::kTaskOutputBytesMax);
}

TEST_F(Tasks, AFullWindowInSingleBytesFitsInOneReply) {
  run();
  print(last(), "x");
  processes_.flush(now_);
  for (std::size_t i = 0; i < limits::kTaskOutputBytesMax; ++i)
    print(0xa1, "y", i % 2 == 0 ? Stream::kOut : Stream::kErr);
  EXPECT_THAT(answer(next(0xa1)), StartsWith(R"(["foo@h",161,7,[[1,"y"],[2,"y"],)"));
  EXPECT_EQ(processes_.meters().output.bytes(), 0U);
}

TEST_F(Tasks, MoreThanTheCreditIsADefect) {
  run();
  EXPECT_DEATH(print(last(), std::string(limits::kTaskOutputBytesMax + 1, 'x')), "");
}

TEST_F(Tasks, AnUnknownProcessOfTheRuntimeIsADefect) {
  EXPECT_DEATH(exit(0xa1), "");
  EXPECT_DEATH(print(0xa1, "x"), "");
  EXPECT_DEATH(wait(0xa1), "");
}

TEST_F(Tasks, ALargeResultComesBehindTheOutputThatItDoesNotFitWith) {
  run();
  print(last(), "x");
  processes_.flush(now_);
  print(last(), std::string(limits::kTaskOutputBytesMax, 'x'));
  exit(last(), {}, text(std::string(limits::kTaskResultBytesMax - 5, 'r')));
  EXPECT_THAT(answer(next(0xa1)), testing::EndsWith("x\"]],0,null]"));
  EXPECT_THAT(answer(next(0xa1)), StartsWith(progress(0xa1, "[],1,\"rrr").substr(0, 24)));
  expect_empty();
}

TEST_F(Tasks, AResultOverTheLimitIsTooLarge) {
  const auto asked = run();
  exit(last(), {}, std::string(limits::kTaskResultBytesMax + 1, '\xc0'));
  EXPECT_EQ(answer(asked),
            "too_large: result of hello.slow <foo@h/a1> of 2030593 bytes is over the limit of "
            "2030592; pass it on in parts, as messages or output");
  expect_empty();
}

TEST_F(Tasks, AFailedTaskHandsItsOutputOverFirstAndThenItsStatus) {
  const auto asked = run();
  print(last(), "almost\n");
  fail(last(), "out of luck");
  EXPECT_EQ(answer(asked), running(0xa1, R"([[1,"almost\n"]])"));
  EXPECT_EQ(answer(next(0xa1)), "task_failed: out of luck");
  EXPECT_THAT(answer(next(0xa1)), StartsWith("not_found: "));
  expect_empty();
}

TEST_F(Tasks, AFailedTaskWithoutOutputIsAnsweredAtOnce) {
  const auto asked = run();
  exit(last(), {StatusCode::kInvalidArgument, "hello.slow takes 2 arguments"});
  EXPECT_EQ(answer(asked), "invalid_argument: hello.slow takes 2 arguments");
  expect_empty();
}

TEST_F(Tasks, APollIsAnsweredAtTheSlicesEndWhateverHappens) {
  const auto first = run();
  pass(kSlice - milliseconds{1});
  EXPECT_EQ(answer(first), "waits");
  pass(milliseconds{1});
  EXPECT_EQ(answer(first), running(0xa1));
  const auto second = next(0xa1);
  pass(kSlice);
  EXPECT_EQ(answer(second), running(0xa1));
}

TEST_F(Tasks, ASecondPollSendsTheFirstAwayWithNothingAndGetsTheNews) {
  const auto first = run();
  print(last(), "news");
  const auto second = next(0xa1);
  EXPECT_EQ(answer(first), running(0xa1));
  EXPECT_EQ(answer(second), running(0xa1, R"([[1,"news"]])"));
  const auto third = next(0xa1), fourth = next(0xa1);
  EXPECT_EQ(answer(third), running(0xa1));
  EXPECT_EQ(answer(fourth), "waits");
  exit(last());
  EXPECT_EQ(answer(fourth), progress(0xa1, "[],1,null"));
}

TEST_F(Tasks, AnAskerThatOnlySaysThatItIsThereLeavesTheOutputAndTheEndWhereTheyAre) {
  run();
  print(last(), "a");
  processes_.flush(now_);
  print(last(), "b");
  const auto first = next(0xa1, kKey, Wants::kNothing);
  print(last(), "c");
  processes_.flush(now_);
  EXPECT_EQ(answer(first), "waits");
  EXPECT_EQ(runtime_.credit[0xa1], 1U);
  pass(kSlice);
  EXPECT_EQ(answer(first), running(0xa1));

  const auto second = next(0xa1, kKey, Wants::kNothing);
  exit(last(), {}, number(5));
  EXPECT_EQ(answer(second), "waits");
  pass(kSlice);
  EXPECT_EQ(answer(second), running(0xa1));
  pass(kLease - milliseconds{1});
  EXPECT_EQ(answer(next(0xa1)), progress(0xa1, R"([[1,"b"],[1,"c"]],1,5)"));
  expect_empty();
}

TEST_F(Tasks, AWrongKeyFindsNothingAndDisturbsNothing) {
  const auto asked = run();
  EXPECT_THAT(answer(next(0xa1, kKey + 1)),
              HasSubstr("not_found: there is no process <foo@h/a1>: it has ended, or never was"));
  EXPECT_EQ(answer(asked), "waits");
  EXPECT_THAT(answer(receive(0xa1)), StartsWith("not_found"));
}

TEST_F(Tasks, ATaskWhoseAskerPollsLivesOn) {
  run();
  for (int i = 0; i < 20; ++i) {
    pass(kSlice + kLease - milliseconds{20});
    next(0xa1);
  }
  EXPECT_THAT(runtime_.stopped, IsEmpty());
}

struct ModeCase {
  Mode mode;
  bool at_once;  // answered before there is anything to say
  bool linked;
};
class Modes : public ProcessesTest, public testing::WithParamInterface<ModeCase> {};
INSTANTIATE_TEST_SUITE_P(All, Modes,
                         testing::Values(ModeCase{Mode::kCall, false, true},
                                         ModeCase{Mode::kAsync, false, true},
                                         ModeCase{Mode::kNoLink, false, false},
                                         ModeCase{Mode::kSpawn, true, false},
                                         ModeCase{Mode::kSpawnLink, true, true}));

TEST_P(Modes, AnAskerThatHasNotPolledForALeaseIsGone) {
  const auto asked = run(GetParam().mode);
  EXPECT_EQ(answer(asked), GetParam().at_once ? running(0xa1) : "waits");
  if (!GetParam().at_once) pass(kSlice);
  print(0xa1, "abc");
  pass(kLease - milliseconds{1});
  EXPECT_THAT(runtime_.stopped, IsEmpty());
  EXPECT_EQ(runtime_.credit[0xa1], 0U);
  pass(milliseconds{1});

  if (GetParam().linked) {
    EXPECT_EQ(runtime_.stopped[0xa1], "its asker has not asked for 1500 ms");
  } else {
    EXPECT_THAT(runtime_.stopped, IsEmpty());
  }
  EXPECT_EQ(runtime_.credit[0xa1], 3U) << "output of a task without asker is dropped";
  print(0xa1, "de");
  EXPECT_EQ(runtime_.credit[0xa1], 5U);
  pass(milliseconds{5000});
  exit(0xa1, {}, number(5));
  EXPECT_EQ(processes_.size(), 1U) << "an asker may be late";
  pass(kLease);
  expect_empty();
}

TEST_P(Modes, AnAskerThatComesBackGetsWhatComesFromThenOn) {
  run(GetParam().mode);
  pass(kSlice + kLease);
  print(0xa1, "lost");
  const auto back = next(0xa1);
  print(0xa1, "seen");
  exit(0xa1, {}, number(5));
  if (GetParam().linked) {
    EXPECT_EQ(answer(back), running(0xa1, R"([[1,"seen"]])"));
    EXPECT_EQ(answer(next(0xa1)),
              "cancelled: hello.slow <foo@h/a1> was stopped: its asker has not asked for 1500 ms");
  } else {
    EXPECT_EQ(answer(back), progress(0xa1, R"([[1,"seen"]],1,5)"));
  }
}

TEST_P(Modes, ALateAskerFindsTheResultForALease) {
  run(GetParam().mode);
  pass(kSlice);
  exit(0xa1, {}, number(5));
  EXPECT_GT(processes_.meters().results.bytes(), 0U);
  pass(kLease - milliseconds{1});
  EXPECT_EQ(answer(next(0xa1)), progress(0xa1, "[],1,5"));
  expect_empty();
}

TEST_P(Modes, ItIsForgottenAfterThat) {
  run(GetParam().mode);
  pass(kSlice);
  exit(0xa1, {}, number(5));
  pass(kLease);
  EXPECT_THAT(answer(next(0xa1)), StartsWith("not_found: "));
  expect_empty();
}

TEST(TaskModes, HaveTheirNamesOnTheWire) {
  EXPECT_EQ(mode_from_name("call"), Mode::kCall);
  EXPECT_EQ(mode_from_name("async"), Mode::kAsync);
  EXPECT_EQ(mode_from_name("nolink"), Mode::kNoLink);
  EXPECT_EQ(mode_from_name("spawn"), Mode::kSpawn);
  EXPECT_EQ(mode_from_name("spawn_link"), Mode::kSpawnLink);
  EXPECT_FALSE(mode_from_name(""));
  EXPECT_FALSE(mode_from_name("Call"));
}

}  // namespace
}  // namespace kvmesh::tasks
