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
  h.fail(3, StatusCode::kOutcomeUnknown);
  h.ask(2, 5);
  h.execute(2, H::value(1));
  h.answer(2, 6, H::value(1));
  h.execute(3);  // after a younger request
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
  h.fail(0, StatusCode::kUnavailable);
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

// Two requests of one asker are under way, the younger one is executed first.
void swap_order(H& h) {
  h.execute(3);
  h.execute(2, H::value(3));
}

TEST(Oracle, AllowsAnotherOrderWhenATableChanged) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.ask(3, 4);
  h.tables().set(H::kGate, H::lead_nowhere('b'));
  swap_order(h);
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, ATableThatSaysTheSameExcusesNothing) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.ask(3, 4);
  h.tables().set(H::kGate, H::make_plan().nodes[H::kGate].table);
  swap_order(h);
  EXPECT_EQ(h.broken(), "order");
}

TEST(Oracle, AReloadExcusesNoOtherRange) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.ask(3, 4);
  h.tables().set(H::kGate, H::lead_nowhere('c'));
  swap_order(h);
  EXPECT_EQ(h.broken(), "order");
}

TEST(Oracle, AReloadExcusesNothingThatIsAskedLater) {
  H h;
  h.begin();
  h.tables().set(H::kGate, H::lead_nowhere('b'));
  h.ask(2, 4);
  h.execute(2, H::value(1));
  EXPECT_EQ(h.broken(), "wrong_node");
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
  h.fail(2, StatusCode::kNoRoute);
  h.answer(2, 5, H::nil(), StatusCode::kNoRoute);
  EXPECT_EQ(h.broken(), "wrong_error");
}

TEST(Oracle, RefusesAFailureThatNothingExplains) {
  auto plan = H::make_plan();
  plan.requests[0].timeout_ms = 5000;
  H h{plan};
  h.ask(0, 2);
  h.fail(0, StatusCode::kUnavailable);
  h.answer(0, 3, H::nil(), StatusCode::kUnavailable);
  EXPECT_EQ(h.broken(), "needless");
}

TEST(Oracle, RefusesAnErrorThatNoNodeHasSaid) {
  for (const auto code : {StatusCode::kUnavailable, StatusCode::kOutcomeUnknown}) {
    auto plan = H::make_plan();
    plan.faults.push_back({Micros{1}, FaultKind::kKill, {H::kStore}, {}, {}, {}});
    H h{plan};
    h.ask(0, 2);
    h.fail(0, StatusCode::kOverloaded);
    h.answer(0, 3, H::nil(), code);
    EXPECT_EQ(h.broken(), "invented");
  }
}

// Its time is 1000 ms.
TEST(Oracle, RefusesThatTimeIsOverWhileSomeIsLeft) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.fail(2, StatusCode::kDeadlineExceeded, 990, true);
  EXPECT_EQ(h.broken(), "gave_up_early");
}

TEST(Oracle, AllowsThatTimeIsOverWhenItIs) {
  H h;
  h.begin();
  h.ask(2, 4);
  h.fail(2, StatusCode::kDeadlineExceeded, 1004, true);
  h.answer(2, 1004, H::nil(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, RefusesAnExecutionAfterTheAskersDeadline) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.oracle().passed_on(3, std::chrono::milliseconds{5});
  h.execute(3, H::nil(), StatusCode::kOk, 1, H::kStore, 1010);
  EXPECT_EQ(h.broken(), "executed_late");
}

TEST(Oracle, AllowsWhatTheReceiverCannotKnow) {
  H h;
  h.begin();
  h.ask(3, 4);
  h.oracle().passed_on(3, std::chrono::milliseconds{5});
  h.execute(3, H::nil(), StatusCode::kOk, 1, H::kStore, 1009);
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.oracle().figures().late, 1U);
  EXPECT_EQ(h.oracle().figures().late_most, std::chrono::milliseconds{5});
}

// A store of `memory` bytes; then its bucket is there and empty.
H with_memory(std::size_t memory, std::uint32_t value_bytes) {
  auto plan = H::make_plan();
  plan.nodes[H::kStore].memory_max = memory;
  plan.requests[1].value_bytes = value_bytes;
  return H{plan};
}

TEST(Oracle, DoesNotBelieveAFullStoreThatHasRoom) {
  auto h = with_memory(4000, 1000);
  h.ask(0, 0);
  h.execute(0);
  h.ask(1, 2);
  h.execute(1, H::nil(), StatusCode::kFull);
  EXPECT_EQ(h.broken(), "store");
}

TEST(Oracle, BelievesAFullStore) {
  auto h = with_memory(2000, 1000);
  h.ask(0, 0);
  h.execute(0);
  h.ask(1, 2);
  h.execute(1, H::nil(), StatusCode::kFull);
  h.answer(1, 3, H::nil(), StatusCode::kFull);
  h.ask(2, 4);
  h.execute(2);
  EXPECT_EQ(h.broken(), "");
}

TEST(Oracle, MissesThatAStoreIsFull) {
  auto h = with_memory(2000, 5000);
  h.ask(0, 0);
  h.execute(0);
  h.ask(1, 2);
  h.execute(1);
  EXPECT_EQ(h.broken(), "store");
}

TEST(Oracle, KnowsThatAShorterValueIsNeverRefused) {
  auto h = with_memory(2000, 1000);
  h.begin();
  h.ask(3, 4);
  h.execute(3, H::nil(), StatusCode::kFull);
  EXPECT_EQ(h.broken(), "store");
}

}  // namespace
}  // namespace kvmesh::sim
