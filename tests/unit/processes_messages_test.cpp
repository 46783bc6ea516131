// Mailboxes of tasks and clients, receive, send, monitors, timed messages.

#include <kvmesh/limits.h>

#include "node/tasks/processes.h"
#include "tests/unit/processes_fixture.h"

namespace kvmesh::tasks {
namespace {

class Messages : public ProcessesTest {
 protected:
  ProcessId spawn() {
    run(Mode::kSpawn);
    return last();
  }
  ProcessId open() { return *processes_.open(kKey, now_); }
  Status send(ProcessId to, std::string_view body, std::string from = {}) {
    return processes_.send(to, message(body, std::move(from)), now_);
  }
  const std::vector<std::string>& got(ProcessId id) { return runtime_.delivered[id]; }
};

TEST_F(Messages, OneThatWaitsInReceiveGetsAMessageAtOnce) {
  const auto id = spawn();
  wait(id);
  EXPECT_THAT(got(id), IsEmpty());
  EXPECT_TRUE(send(id, "ping", "<bar@h/2>").ok());
  EXPECT_THAT(got(id), ElementsAre("message \"ping\" from <bar@h/2>"));
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
}

TEST_F(Messages, OneThatDoesNotWaitGetsThemLaterOneForEachReceiveInTheirOrder) {
  const auto id = spawn();
  for (const char* body : {"a", "b", "c"}) EXPECT_TRUE(send(id, body).ok());
  EXPECT_THAT(got(id), IsEmpty());
  wait(id);
  wait(id);
  EXPECT_THAT(got(id), ElementsAre("message \"a\"", "message \"b\""));
  EXPECT_TRUE(send(id, "d").ok());
  wait(id);
  wait(id);
  EXPECT_THAT(got(id),
              ElementsAre("message \"a\"", "message \"b\"", "message \"c\"", "message \"d\""));
}

TEST_F(Messages, WithATimeoutOfZeroReceiveTakesWhatIsThereOrNothing) {
  const auto id = spawn();
  wait(id, now_);
  EXPECT_THAT(got(id), ElementsAre("nothing"));
  EXPECT_TRUE(send(id, "a").ok());
  wait(id, now_);
  EXPECT_THAT(got(id), ElementsAre("nothing", "message \"a\""));
}

TEST_F(Messages, OneThatIsToldToStopGetsNoMoreOfThem) {
  const auto id = spawn();
  for (const char* body : {"a", "b"}) EXPECT_TRUE(send(id, body).ok());
  wait(id);
  EXPECT_TRUE(processes_.cancel(id, now_).ok());
  wait(id);
  EXPECT_THAT(got(id), ElementsAre("message \"a\"", "nothing"));
}

TEST_F(Messages, AReceiveEndsWithNothingAtItsTime) {
  const auto id = spawn();
  wait(id, now_ + milliseconds{50});
  pass(milliseconds{49});
  EXPECT_THAT(got(id), IsEmpty());
  pass(milliseconds{1});
  EXPECT_THAT(got(id), ElementsAre("nothing"));
  pass(milliseconds{200});
  EXPECT_EQ(got(id).size(), 1U);
}

TEST_F(Messages, ThatComeInTimeEndAReceiveForGood) {
  const auto id = spawn();
  wait(id, now_ + milliseconds{50});
  EXPECT_TRUE(send(id, "a").ok());
  pass(milliseconds{200});
  EXPECT_THAT(got(id), ElementsAre("message \"a\""));
}

TEST_F(Messages, ASecondWaitBeforeTheFirstHasEndedIsADefect) {
  const auto id = spawn();
  wait(id);
  EXPECT_DEATH(wait(id), "");
}

TEST_F(Messages, AFullMailboxRefusesTheNextWithBothNumbers) {
  const auto id = spawn();
  for (std::size_t i = 0; i < limits::kMailboxMessagesMax; ++i) ASSERT_TRUE(send(id, "x").ok());
  EXPECT_EQ(send(id, "y").to_string(),
            "overloaded: the mailbox of hello.slow <foo@h/a1> is full: it holds 10000 of 10000 "
            "messages and "
            "20000 of 8388608 bytes; the message was not delivered");
  wait(id);
  EXPECT_TRUE(send(id, "z").ok()) << "one was taken";
  exit(id);
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
}

TEST_F(Messages, BytesOfAMailboxAreBoundedToo) {
  const auto id = spawn();
  const std::string megabyte(1024 * 1024, 'x');
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(send(id, megabyte).ok());
  EXPECT_EQ(send(id, megabyte + megabyte.substr(100)).code(), StatusCode::kTooLarge);
  const std::size_t left = limits::kMailboxBytesMax - processes_.meters().mailboxes.bytes() - 5;
  EXPECT_EQ(send(id, std::string(left + 1, 'x')).code(), StatusCode::kOverloaded);
  EXPECT_TRUE(send(id, std::string(left, 'x')).ok());
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), limits::kMailboxBytesMax);
}

TEST_F(Messages, ForNobodyAreNotFound) {
  EXPECT_THAT(send(0xbad, "x").to_string(),
              StartsWith("not_found: there is no process <foo@h/bad>"));
  const auto id = spawn();
  exit(id);
  EXPECT_EQ(send(id, "x").code(), StatusCode::kNotFound)
      << "it has ended, though its result is kept";
  EXPECT_EQ(processes_.send("nobody", message("x"), now_).to_string(),
            "not_found: foo@h has no server or supervised task \"nobody\"");
}

TEST_F(Messages, AClientReceivesAllThatCameInOnePassWithOneReply) {
  const auto box = open();
  const auto poll = receive(box);
  EXPECT_TRUE(send(box, "a", "<foo@h/1>").ok());
  auto down = message("normal", "<bar@h/2>");
  down.kind = Delivery::Kind::kDown;
  EXPECT_TRUE(processes_.send(box, down, now_).ok());
  auto undelivered = message("overloaded: full");
  undelivered.kind = Delivery::Kind::kUndelivered;
  EXPECT_TRUE(processes_.send(box, undelivered, now_).ok());
  EXPECT_EQ(answer(poll), "waits");
  processes_.flush(now_);
  EXPECT_EQ(answer(poll),
            R"([[0,"<foo@h/1>","a"],[1,"<bar@h/2>","normal"],[2,null,"overloaded: full"]])");
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
}

TEST_F(Messages, AClientFetchesWhatHasGatheredAtOnceAndAtMostSoMany) {
  const auto box = open();
  for (const char* body : {"a", "b", "c"}) EXPECT_TRUE(send(box, body).ok());
  EXPECT_EQ(answer(receive(box, 2)), R"([[0,null,"a"],[0,null,"b"]])");
  EXPECT_EQ(answer(receive(box, 2)), R"([[0,null,"c"]])");
  EXPECT_EQ(answer(receive(box, 2)), "waits");
}

TEST_F(Messages, OfAClientThatDoNotFitOneReplyComeWithTheNext) {
  const auto box = open();
  const std::string large(900 * 1024, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(box, large).ok());
  const std::string one = "[0,null,\"" + large + "\"]";
  EXPECT_EQ(answer(receive(box)), "[" + one + "," + one + "]");
  EXPECT_EQ(answer(receive(box)), "[" + one + "]");
}

TEST_F(Messages, TheLargestOneFitsAReply) {
  const auto box = open();
  const std::size_t most = limits::kBodyBytesMax - 64 - 5;  // 5: the head of a text
  EXPECT_TRUE(send(box, std::string(most, 'x')).ok());
  EXPECT_TRUE(send(box, "next").ok());
  EXPECT_EQ(send(box, std::string(most + 1, 'x')).to_string(),
            "too_large: message of 2031553 bytes is over the limit of 2031552");
  EXPECT_EQ(answer(receive(box)).size(), most + std::string_view{"[[0,null,\"\"]]"}.size());
  EXPECT_EQ(answer(receive(box)), R"([[0,null,"next"]])");
}

TEST_F(Messages, AClientsPollEndsWithTheSliceOrWithItsNextPoll) {
  const auto box = open();
  const auto first = receive(box);
  const auto second = receive(box);
  EXPECT_EQ(answer(first), "[]");
  pass(limits::kTaskSlice);
  EXPECT_EQ(answer(second), "[]");
}

TEST_F(Messages, OfAClientThatOnlySaysThatItIsThereStay) {
  const auto box = open();
  EXPECT_TRUE(send(box, "a").ok());
  const auto quiet = receive(box, 0, kKey, Wants::kNothing);
  EXPECT_TRUE(send(box, "b").ok());
  processes_.flush(now_);
  EXPECT_EQ(answer(quiet), "waits");
  pass(limits::kTaskSlice);
  EXPECT_EQ(answer(quiet), "[]");
  EXPECT_EQ(answer(receive(box)), R"([[0,null,"a"],[0,null,"b"]])");
}

TEST_F(Messages, TheMailboxOfAClientThatHasNotPolledForALeaseIsClosed) {
  const auto box = open();
  receive(box);
  EXPECT_TRUE(send(box, "a").ok());
  processes_.flush(now_);
  pass(limits::kTaskLease - milliseconds{1});
  EXPECT_EQ(processes_.size(), 1U);
  EXPECT_TRUE(send(box, "unread").ok());
  const auto watch = monitor(box);
  pass(milliseconds{1});
  EXPECT_EQ(answer(watch), R"([false,"killed: the client is gone"])");
  EXPECT_THAT(answer(receive(box)), StartsWith("not_found"));
  expect_empty();
}

TEST_F(Messages, AMailboxIsClosedByItsKeyOnly) {
  const auto box = open();
  const auto watch = monitor(box);
  const auto poll = receive(box);
  EXPECT_EQ(processes_.close(box, kKey + 1, now_).code(), StatusCode::kNotFound);
  EXPECT_THAT(answer(receive(box, 0, kKey + 1)), StartsWith("not_found"));
  EXPECT_EQ(answer(poll), "waits");
  EXPECT_TRUE(processes_.close(box, kKey, now_).ok());
  EXPECT_EQ(answer(poll), "[]");
  EXPECT_EQ(answer(watch), R"([false,"normal"])");
  EXPECT_EQ(processes_.close(box, kKey, now_).code(), StatusCode::kNotFound);
  expect_empty();
}

TEST_F(Messages, AMailboxCanBeCancelledAndATaskCannotBeClosed) {
  const auto box = open();
  const auto watch = monitor(box);
  EXPECT_TRUE(processes_.cancel(box, now_).ok());
  EXPECT_EQ(answer(watch), R"([false,"cancelled"])");
  EXPECT_EQ(processes_.close(spawn(), kKey, now_).code(), StatusCode::kNotFound);
}

struct EndCase {
  const char* name;
  void (*end)(Processes&, FakeRuntime&, ProcessId, TimePoint&);
  const char* reason;
};
class Ends : public ProcessesTest, public testing::WithParamInterface<EndCase> {};
INSTANTIATE_TEST_SUITE_P(
    All, Ends,
    testing::Values(EndCase{"normal",
                            [](Processes& p, FakeRuntime&, ProcessId id, TimePoint& now) {
                              p.on_exit(id, {}, {}, now);
                            },
                            "normal"},
                    EndCase{"failed",
                            [](Processes& p, FakeRuntime&, ProcessId id, TimePoint& now) {
                              p.on_exit(id, {StatusCode::kTaskFailed, "out of luck"}, {}, now);
                            },
                            "failed: out of luck"},
                    EndCase{"status",
                            [](Processes& p, FakeRuntime&, ProcessId id, TimePoint& now) {
                              p.on_exit(id, {StatusCode::kFull, "no room"}, {}, now);
                            },
                            "failed: full: no room"},
                    EndCase{"cancelled",
                            [](Processes& p, FakeRuntime&, ProcessId id, TimePoint& now) {
                              EXPECT_TRUE(p.cancel(id, now).ok());
                              p.on_exit(id, {}, {}, now);
                            },
                            "cancelled"},
                    EndCase{"limit",
                            [](Processes& p, FakeRuntime&, ProcessId id, TimePoint& now) {
                              now += milliseconds{60000};
                              p.on_tick(now);
                              p.on_exit(id, {}, {}, now);
                            },
                            "killed: its limit of 60000 ms was over"},
                    EndCase{"node",
                            [](Processes& p, FakeRuntime&, ProcessId id, TimePoint& now) {
                              p.stop_all(now);
                              p.on_exit(id, {}, {}, now);
                            },
                            "killed: the node stops"}),
    [](const auto& test) { return test.param.name; });

TEST_P(Ends, AreToldToAllWhoMonitorAndToThoseWhoAskAgain) {
  run(Mode::kSpawn, milliseconds{60000});
  const auto first = monitor(0xa1), second = monitor(0xa1);
  const std::string told = "[false,\"" + std::string{GetParam().reason} + "\"]";
  // The limit takes longer than a slice, after which a monitor asks again.
  GetParam().end(processes_, runtime_, 0xa1, now_);
  if (answer(first) != "[true,\"\"]") {
    EXPECT_EQ(answer(first), told);
    EXPECT_EQ(answer(second), told);
  }
  EXPECT_EQ(answer(monitor(0xa1)), told);
  pass(limits::kTaskLease);
  EXPECT_EQ(answer(monitor(0xa1)), R"([false,"no such process"])");
}

TEST_F(Messages, AMonitorIsToldAtItsSlicesEndThatItLives) {
  const auto id = spawn();
  const auto first = monitor(id);
  pass(milliseconds{100});
  const auto second = monitor(id);
  pass(limits::kTaskSlice - milliseconds{100});
  EXPECT_EQ(answer(first), R"([true,""])");
  EXPECT_EQ(answer(second), "waits");
  pass(milliseconds{100});
  EXPECT_EQ(answer(second), R"([true,""])");
}

TEST_F(Messages, WhoeverHasThePidOfASpawnedTaskLearnsItsEndThoughItWasHandedOver) {
  const auto id = spawn();
  const auto poll = next(id);
  fail(id, "too quick");
  EXPECT_EQ(answer(poll), "task_failed: too quick");
  expect_empty();
  EXPECT_EQ(answer(monitor(id)), R"([false,"failed: too quick"])");
  const auto box = open();
  EXPECT_TRUE(processes_.close(box, kKey, now_).ok());
  EXPECT_EQ(answer(monitor(box)), R"([false,"normal"])");
}

TEST_F(Messages, WhoeverHasMonitoredATaskLearnsItsEndThoughItCameBetweenTwoPolls) {
  const auto asked = run(Mode::kAsync);
  const auto watch = monitor(last());
  pass(limits::kTaskSlice);
  EXPECT_EQ(answer(watch), R"([true,""])");
  const auto poll = next(last());
  exit(last());
  EXPECT_NE(answer(asked), answer(poll));
  expect_empty();
  EXPECT_EQ(answer(monitor(last())), R"([false,"normal"])");
}

TEST_F(Messages, AMonitorOfNobodyIsAnsweredAtOnce) {
  EXPECT_EQ(answer(monitor(0xbad)), R"([false,"no such process"])");
}

TEST_F(Messages, ManyMonitorsOfOneProcess) {
  const auto id = spawn();
  std::vector<std::uint64_t> tickets(10000);
  for (auto& ticket : tickets) ticket = monitor(id);
  fail(id, "x");
  for (const auto ticket : tickets) ASSERT_EQ(answer(ticket), R"([false,"failed: x"])");
}

TEST_F(Messages, AProcessGetsItsTimedMessagesInTheOrderOfTheirTimes) {
  const auto id = spawn();
  EXPECT_TRUE(processes_.on_timer(id, milliseconds{200}, text("late"), now_).ok());
  EXPECT_TRUE(processes_.on_timer(id, milliseconds{100}, text("early"), now_).ok());
  wait(id);
  pass(milliseconds{99});
  EXPECT_THAT(got(id), IsEmpty());
  pass(milliseconds{1});
  EXPECT_THAT(got(id), ElementsAre("timer \"early\""));
  pass(milliseconds{100});
  wait(id);
  EXPECT_THAT(got(id), ElementsAre("timer \"early\"", "timer \"late\""));
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
}

TEST_F(Messages, TimedMessagesAreBoundedAndEndWithTheirProcess) {
  const auto id = spawn();
  for (std::size_t i = 0; i < limits::kMailboxMessagesMax; ++i)
    ASSERT_TRUE(processes_.on_timer(id, hours{1}, text("x"), now_).ok());
  EXPECT_EQ(processes_.on_timer(id, hours{1}, text("x"), now_).to_string(),
            "overloaded: too many timed messages of hello.slow <foo@h/a1> are to come: it holds "
            "10000 of 10000 "
            "messages and 20000 of 8388608 bytes");
  exit(id);
  EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
}

TEST_F(Messages, ATimedMessageThatFindsTheMailboxFullIsReported) {
  const auto id = spawn();
  EXPECT_TRUE(processes_.on_timer(id, milliseconds{10}, text("x"), now_).ok());
  for (std::size_t i = 0; i < limits::kMailboxMessagesMax; ++i) ASSERT_TRUE(send(id, "x").ok());
  pass(milliseconds{10});
  ASSERT_EQ(runtime_.reports.size(), 1U);
  EXPECT_THAT(runtime_.reports[0],
              StartsWith("a timed message was dropped: the mailbox of hello.slow"));
}

}  // namespace
}  // namespace kvmesh::tasks
