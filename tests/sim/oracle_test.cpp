// The oracle accepts what the promises allow, and names each promise that a history breaks.
#include <gtest/gtest.h>

#include "tests/sim/history.h"

namespace kvmesh::sim {
namespace {

using H = History;

TEST(Oracle, AcceptsAGoodHistory) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.execute(2, H::value(1));
  h.answer(2, 5, H::value(1));
  h.oracle().finish();
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.oracle().figures().executed, 3U);
}

TEST(Oracle, AcceptsAnUnknownOutcomeExecutedOrNotAndLate) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.oracle().given_up(3);
  h.ask(2, 5);
  h.execute(2, H::value(1));
  h.answer(2, 6, H::value(1));
  h.execute(3);  // behind a younger request
  h.ask(4, 7);
  h.execute(4, H::value(3));
  h.answer(4, 8, H::value(3));
  h.answer(3, 1003, H::nil(), StatusCode::kOutcomeUnknown);
  h.oracle().finish();
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, MissesALostWrite) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.execute(2, H::nil());
  EXPECT_EQ(h.broken(), "store");
}

TEST(Oracle, MissesAnOldValue) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.execute(3);
  h.answer(3, 5);
  h.ask(4, 6);
  h.execute(4, H::value(1));
  EXPECT_EQ(h.broken(), "store");
}

TEST(Oracle, KnowsThatAKilledStoreIsEmpty) {
  H h;
  h.begin();
  h.oracle().killed(H::kStore);
  h.ask(2, 4);
  h.execute(2, H::nil(), StatusCode::kNotFound);
  h.answer(2, 5, H::nil(), StatusCode::kNotFound);
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, RefusesAnInventedWrite) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.answer(3, 5);
  EXPECT_EQ(h.broken(), "invented");
}

TEST(Oracle, RefusesAnExecutionThatNobodyAskedFor) {
  H h;
  h.begin();
  h.execute(3);
  EXPECT_EQ(h.broken(), "invented");
}

TEST(Oracle, RefusesASecondExecution) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.execute(3);
  h.execute(3);
  EXPECT_EQ(h.broken(), "executed_twice");
}

TEST(Oracle, RefusesASecondAnswer) {
  H h;
  h.begin();
  h.answer(1, 4);
  EXPECT_EQ(h.broken(), "answered_twice");
}

TEST(Oracle, RefusesTheReplyOfAnother) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.ask(3, 4);
  h.execute(2, H::value(1));
  h.execute(3);
  h.answer(2, 5, H::nil());
  EXPECT_EQ(h.broken(), "wrong_reply");
}

TEST(Oracle, RefusesNotExecutedOfWhatWasExecuted) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.execute(3);
  h.answer(3, 5, H::nil(), StatusCode::kUnavailable);
  EXPECT_EQ(h.broken(), "not_executed");
}

TEST(Oracle, RefusesAnExecutionBehindNotExecuted) {
  auto plan = H::make_plan();
  plan.faults.push_back({Micros{1}, FaultKind::kKill, {H::kStore}, {}, {}, {}});
  H h{plan};
  h.ask(0, 2);
  h.answer(0, 3, H::nil(), StatusCode::kUnavailable);
  EXPECT_EQ(h.broken(), "");
  h.execute(0);
  EXPECT_EQ(h.broken(), "not_executed");
}

TEST(Oracle, RefusesALateAnswer) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.execute(2, H::value(1));
  h.answer(2, 1041, H::value(1));
  EXPECT_EQ(h.broken(), "late_answer");
}

TEST(Oracle, AllowsATickBehindTheDeadline) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.execute(2, H::value(1));
  h.answer(2, 1040, H::value(1));
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, MissesAnAnswer) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.oracle().finish();
  EXPECT_EQ(h.broken(), "unanswered");
}

TEST(Oracle, ExpectsNoAnswerForAKilledAsker) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.oracle().killed(H::kGate);
  h.oracle().finish();
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, RefusesExecutionWithoutTimeLeft) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.execute(3, H::nil(), StatusCode::kOk, 0);
  EXPECT_EQ(h.broken(), "executed_late");
}

TEST(Oracle, RefusesAnotherOrder) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.ask(3, 4);
  h.execute(3);
  h.execute(2, H::value(3));
  EXPECT_EQ(h.broken(), "order");
}

TEST(Oracle, AllowsAnotherOrderWhenATableChanged) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.ask(3, 4);
  h.tables().set(H::kGate, h.make_plan().nodes[H::kGate].table);
  h.execute(3);
  h.execute(2, H::value(3));
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, RefusesAnotherNode) {
  H h;
  h.ask(0, 0);
  h.execute(0, H::nil(), StatusCode::kOk, 100, H::kGate);
  EXPECT_EQ(h.broken(), "wrong_node");
}

TEST(Oracle, RefusesAnErrorThatTheTablesDoNotExplain) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.answer(2, 5, H::nil(), StatusCode::kNoRoute);
  EXPECT_EQ(h.broken(), "wrong_error");
}

TEST(Oracle, RefusesAFailureThatNothingExplains) {
  auto plan = H::make_plan();
  plan.requests[0].timeout_ms = 5000;
  H h{plan};
  h.ask(0, 2);
  h.answer(0, 3, H::nil(), StatusCode::kUnavailable);
  EXPECT_EQ(h.broken(), "needless");
}

}  // namespace
}  // namespace kvmesh::sim
