// Calls of servers whose time is over before they begin: in the mailbox, or handed over to a server
// that no worker has come to since. They are answered in time, and never executed.

#include "tests/unit/servers_fixture.h"

namespace kvmesh::tasks {
namespace {

constexpr auto kLate = "deadline_exceeded: the time of the call was over before its turn came at ";

class LateCalls : public Servers {
 protected:
  std::uint64_t call_for(milliseconds time, std::string function) {
    return call("counter", std::move(function), now_ + time);
  }
};

TEST_F(LateCalls, OneThatNoWorkerCameToIsTakenBackAtItsTime) {
  const auto id = start();
  wait(id);
  const auto late = call_for(milliseconds{100}, "late");
  runtime_.untaken = {id};
  pass(milliseconds{90});
  EXPECT_EQ(answer(late), "waits");
  pass(milliseconds{10});
  EXPECT_THAT(answer(late), StartsWith(kLate));
  EXPECT_THAT(answer(late), testing::EndsWith("it was not executed"));
  EXPECT_EQ(state(), "waiting");

  const auto next = call_for(milliseconds{100}, "next");
  serve(id, {}, number(5));
  EXPECT_EQ(answer(next), "5");
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("call late \"args\"", "call next \"args\""));
}

TEST_F(LateCalls, TheNextInTheMailboxFollowsOneThatWasTakenBack) {
  const auto id = start();
  wait(id);
  const auto late = call_for(milliseconds{100}, "late");
  const auto patient = call_for(milliseconds{500}, "patient");
  runtime_.untaken = {id};
  pass(milliseconds{100});
  EXPECT_THAT(answer(late), StartsWith(kLate));
  serve(id, {}, number(7));
  EXPECT_EQ(answer(patient), "7");
}

TEST_F(LateCalls, OneThatHasBegunGoesOnAfterItsTime) {
  const auto id = start();
  wait(id);
  const auto begun = call_for(milliseconds{100}, "slow");
  pass(milliseconds{200});
  EXPECT_EQ(answer(begun), "waits");
  serve(id, {}, number(1));
  EXPECT_EQ(answer(begun), "1");
}

TEST_F(LateCalls, ThoseInTheMailboxAreAnsweredAtTheirTimeHoweverLongTheServerIsBusy) {
  const auto id = start();
  wait(id);
  call("counter", "slow");
  const auto second = call_for(milliseconds{200}, "second");
  const auto first = call_for(milliseconds{100}, "first");
  const auto patient = call_for(milliseconds{900}, "patient");
  pass(milliseconds{100});
  EXPECT_THAT(answer(first), StartsWith(kLate));
  EXPECT_EQ(answer(second), "waits");
  pass(milliseconds{100});
  EXPECT_THAT(answer(second), StartsWith(kLate));
  serve(id);
  serve(id, {}, number(3));
  EXPECT_EQ(answer(patient), "3");
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("call slow \"args\"", "call patient \"args\""));
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
}

TEST_F(LateCalls, AServerThatWaitsForAWorkerIsListedAsQueued) {
  const auto id = start();
  wait(id);
  call("counter", "f");
  EXPECT_EQ(state(), "running");
  runtime_.untaken = {id};
  EXPECT_EQ(state(), "queued");
  EXPECT_TRUE(processes_.cancel(id, now_).ok());
  EXPECT_EQ(state(), "stopping");
}

TEST_F(LateCalls, OneThatIsTakenBackFromAStoppedServerLetsItEnd) {
  const auto id = start();
  wait(id);
  const auto late = call_for(milliseconds{100}, "late");
  runtime_.untaken = {id};
  EXPECT_TRUE(processes_.cancel(id, now_).ok());
  pass(milliseconds{100});
  EXPECT_THAT(answer(late), StartsWith(kLate));
  EXPECT_THAT(runtime_.delivered[id], ElementsAre("call late \"args\"", "nothing"));
}

}  // namespace
}  // namespace kvmesh::tasks
