// A task as its starter sees it: what is asked of the node in which order, and what becomes of the
// answers.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/remote/connection.h"
#include "common/remote/poll.h"
#include "common/remote/remote_task.h"
#include "tests/unit/fake_port.h"

namespace kvmesh::remote {
namespace {

using namespace std::chrono_literals;

class RemoteTaskTest : public testing::Test {
 protected:
  ~RemoteTaskTest() override { connection_->close(); }

  std::shared_ptr<RemoteTask> start(Mode mode, std::string function = "m.f") {
    RemoteTask::Order order;
    order.to = {Operation::For::kNode, "foo@h"};
    order.function = std::move(function);
    order.args = {1, "x"};
    order.mode = mode;
    order.timeout = 3s;
    return RemoteTask::start(connection_, std::move(order));
  }

  FakePort port_;
  std::shared_ptr<Connection> connection_ = Connection::make({std::shared_ptr<void>{}, &port_});
};

TEST_F(RemoteTaskTest, AQuickFunctionIsOneRoundTrip) {
  RemoteTask::Order order;
  order.to = {Operation::For::kBucket, "shopping"};
  order.function = "m.f";
  order.args = {1, "x"};
  order.mode = Mode::kCall;
  order.limit = 2s;
  order.timeout = 3s;
  const auto task = RemoteTask::start(connection_, std::move(order));
  ASSERT_EQ(port_.asked(), "task.run");
  const auto& request = port_.pending.front();
  EXPECT_EQ(request.operation.target, Operation::For::kBucket);
  EXPECT_EQ(request.operation.name, "shopping");
  EXPECT_EQ(request.operation.args,
            (Value::List{"m.f", Value::List{1, "x"}, "call", 2000, Value{}}));
  EXPECT_EQ(request.timeout.duration, 3s);
  EXPECT_FALSE(task->is_done());

  port_.answer("task.run", ended(42));
  ASSERT_TRUE(task->is_done());
  EXPECT_EQ(*task->result(), Value{42});
  EXPECT_EQ(*task->result(), Value{42});
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(RemoteTaskTest, ModesHaveTheirNamesOnTheWire) {
  for (const auto& [mode, name] : {std::pair{Mode::kCall, "call"},
                                   {Mode::kAsync, "async"},
                                   {Mode::kNolink, "nolink"},
                                   {Mode::kSpawn, "spawn"},
                                   {Mode::kSpawnLink, "spawn_link"}}) {
    const auto task = start(mode);
    EXPECT_EQ(port_.take("task.run").operation.args[2], Value{name});
  }
}

TEST_F(RemoteTaskTest, ASlowOneIsAskedForOverAndOverAtItsNode) {
  const auto task = start(Mode::kAsync);
  port_.answer("task.run", running());
  EXPECT_EQ(task->pid(), kTaskPid);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(port_.asked(), "task.next");
    const auto& request = port_.pending.front();
    EXPECT_EQ(request.operation.target, Operation::For::kNode);
    EXPECT_EQ(request.operation.name, "foo@h");
    EXPECT_EQ(request.operation.args, (Value::List{7, 99}));
    EXPECT_EQ(request.timeout.duration, limits::kTaskSlice + limits::kTimeoutDefault);
    port_.answer("task.next", running());
    EXPECT_FALSE(task->is_done());
  }
  port_.answer("task.next", ended("late"));
  EXPECT_EQ(*task->result(), Value{"late"});
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(RemoteTaskTest, OutputIsWrittenInItsOrder) {
  const auto task = start(Mode::kCall);
  port_.answer("task.run", running({chunk(1, "a"), chunk(2, "b")}));
  EXPECT_EQ(port_.sink.text, "1:a 2:b ");
  port_.answer("task.next", running({chunk(1, "c")}));
  port_.answer("task.next", ended(Value{}, {chunk(2, "d"), chunk(1, "e")}));
  EXPECT_EQ(port_.sink.text, "1:a 2:b 1:c 2:d 1:e ");
  EXPECT_TRUE(task->is_done());
}

TEST_F(RemoteTaskTest, ItEndsWhenItsOutputIsTakenAndNotBefore) {
  port_.sink.is_slow = true;
  const auto task = start(Mode::kCall);
  port_.answer("task.run", running({chunk(1, "a")}));
  port_.answer("task.next", running({chunk(1, "b")}));
  port_.answer("task.next", ended(1, {chunk(1, "c")}));
  EXPECT_EQ(port_.sink.text, "1:a ");
  EXPECT_FALSE(task->is_done());
  port_.sink.take();
  EXPECT_EQ(port_.sink.text, "1:a 1:b 1:c ") << "what came meanwhile goes together";
  EXPECT_FALSE(task->is_done());
  port_.sink.take();
  EXPECT_TRUE(task->is_done());
  EXPECT_EQ(port_.sink.writes, 2);
}

TEST_F(RemoteTaskTest, ASlowReaderHoldsTheOutputAtTheNode) {
  port_.sink.is_slow = true;
  const auto task = start(Mode::kCall);
  const std::string half(limits::kTaskOutputBytesMax / 2, 'x');
  port_.answer("task.run", running({chunk(1, half)}));
  EXPECT_EQ(port_.pending.front().operation.args, (Value::List{7, 99})) << "it reads ahead";
  port_.answer("task.next", running({chunk(1, half)}));
  EXPECT_EQ(port_.pending.front().operation.args, (Value::List{7, 99, false}))
      << "enough; it only says that it is still there";
  port_.answer("task.next", running());
  EXPECT_EQ(port_.pending.front().operation.args, (Value::List{7, 99, false}));
  port_.sink.take();
  port_.answer("task.next", running());
  EXPECT_EQ(port_.pending.front().operation.args, (Value::List{7, 99})) << "half was taken";
}

TEST_F(RemoteTaskTest, OutputMayGoElsewhere) {
  std::string text;
  RemoteTask::Order order;
  order.function = "m.f";
  order.output = output_to([&](const OutputChunk& chunk) { text += chunk.bytes; });
  const auto task = RemoteTask::start(connection_, std::move(order));
  port_.answer("task.run", ended(Value{}, {chunk(1, "a"), chunk(2, "b")}));
  EXPECT_EQ(text, "ab");
  EXPECT_EQ(port_.sink.writes, 0);
}

TEST_F(RemoteTaskTest, AFailureComesBehindTheOutput) {
  port_.sink.is_slow = true;
  const auto task = start(Mode::kCall);
  port_.answer("task.run", running({chunk(1, "a")}));
  port_.fail("task.next", StatusCode::kTaskFailed, "oh no");
  EXPECT_FALSE(task->is_done());
  port_.sink.take();
  EXPECT_EQ(task->result().status(), (Status{StatusCode::kTaskFailed, "oh no"}));
}

TEST_F(RemoteTaskTest, AFailureToStartIsToldAsItIs) {
  for (const auto code : {StatusCode::kUndefinedFunction, StatusCode::kInvalidArgument,
                          StatusCode::kOverloaded, StatusCode::kUnavailable, StatusCode::kDenied}) {
    const auto task = start(Mode::kCall);
    port_.fail("task.run", code, "why");
    EXPECT_EQ(task->result().status(), (Status{code, "why"}));
    EXPECT_EQ(task->pid(), std::nullopt);
  }
}

TEST_F(RemoteTaskTest, ANodeThatGoesLeavesTheOutcomeUnknown) {
  for (const auto code :
       {StatusCode::kUnavailable, StatusCode::kNoRoute, StatusCode::kOutcomeUnknown}) {
    const auto task = start(Mode::kCall);
    port_.answer("task.run", running());
    port_.fail("task.next", code, "link lost");
    EXPECT_EQ(task->result().status(),
              (Status{StatusCode::kOutcomeUnknown,
                      "m.f runs or ran at foo@h; the request for its result failed: link lost"}))
        << to_string(code) << " would say that nothing was executed";
    EXPECT_EQ(port_.asked(), "");
  }
}

// The task's node, or one on the way to it: the text names it, and says of the poll what it says.
TEST_F(RemoteTaskTest, WhatFailedIsTheRequestForTheResult) {
  for (const std::string why :
       {"a@h cannot reach foo@h: it is stopping; the request was not executed",
        "the request was sent to gate@h, and the connection ended before a reply arrived"}) {
    const auto task = start(Mode::kCall);
    port_.answer("task.run", running());
    port_.fail("task.next", StatusCode::kUnavailable, why);
    EXPECT_EQ(task->result().status().text(),
              "m.f runs or ran at foo@h; the request for its result failed: " + why);
  }
}

TEST_F(RemoteTaskTest, ABusyNodeIsAskedAgainForATaskThatHasBegun) {
  const auto task = start(Mode::kCall);
  port_.answer("task.run", running());
  for (int i = 0; i < 3; ++i) {
    port_.fail("task.next", StatusCode::kOverloaded, "busy");
    ASSERT_EQ(port_.asked(), "task.next");
    EXPECT_EQ(port_.pending.front().pause, kBusyPause);
    EXPECT_FALSE(task->is_done());
  }
  port_.answer("task.next", ended(42));
  EXPECT_EQ(*task->result(), Value{42});

  const auto refused = start(Mode::kCall);
  port_.fail("task.run", StatusCode::kOverloaded, "busy");
  EXPECT_EQ(refused->result().status().code(), StatusCode::kOverloaded) << "it has not begun";
}

TEST_F(RemoteTaskTest, CancelIsSentOnceItIsKnownWhom) {
  const auto task = start(Mode::kAsync);
  task->cancel();
  EXPECT_EQ(port_.asked(), "task.run") << "nobody knows its id yet";
  port_.answer("task.run", running());
  EXPECT_EQ(port_.asked(), "task.cancel task.next");
  EXPECT_EQ(port_.pending.front().operation.args, (Value::List{7}));
  EXPECT_EQ(port_.pending.front().operation.name, "foo@h");
  port_.answer("task.cancel", Value{});
  EXPECT_FALSE(task->is_done());
  port_.fail("task.next", StatusCode::kCancelled, "told to stop");
  EXPECT_EQ(task->result().status().code(), StatusCode::kCancelled);
  task->cancel();
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(RemoteTaskTest, CancelAfterTheEndIsNotSent) {
  const auto task = start(Mode::kAsync);
  task->cancel();
  port_.answer("task.run", ended(1));
  EXPECT_EQ(port_.asked(), "");
  EXPECT_EQ(*task->result(), Value{1});
}

TEST_F(RemoteTaskTest, GivenUpItEndsAtOnceAndIsStopped) {
  const auto task = start(Mode::kCall);
  task->give_up({StatusCode::kDeadlineExceeded, "late"}, true);
  EXPECT_EQ(task->result().status().code(), StatusCode::kDeadlineExceeded);
  port_.answer("task.run", running({chunk(1, "too late")}));
  EXPECT_EQ(port_.asked(), "task.cancel") << "and it is not asked for any more";
  EXPECT_EQ(port_.sink.text, "");
  EXPECT_EQ(task->result().status(), (Status{StatusCode::kDeadlineExceeded, "late"}));
}

TEST_F(RemoteTaskTest, GivenUpWhileItIsAskedForItIsStoppedAtOnce) {
  const auto task = start(Mode::kCall);
  port_.answer("task.run", running());
  task->give_up({StatusCode::kDeadlineExceeded, "late"}, true);
  EXPECT_EQ(port_.asked(), "task.next task.cancel");
  port_.answer("task.next", ended(5));
  EXPECT_EQ(task->result().status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(port_.asked(), "task.cancel");
}

TEST_F(RemoteTaskTest, GivenUpWithoutAWordItGoesOn) {
  const auto task = start(Mode::kNolink);
  port_.answer("task.run", running());
  task->give_up({StatusCode::kCancelled, "nobody waits"}, false);
  port_.answer("task.next", running({chunk(1, "unheard")}));
  EXPECT_EQ(port_.asked(), "");
  EXPECT_EQ(port_.sink.text, "");
}

TEST_F(RemoteTaskTest, TheEndOfALinkedProcessComesToTheMailbox) {
  const auto end = [&](Mode mode, auto answer) {
    const auto task = start(mode);
    port_.answer("task.run", running());
    answer();
    std::string reasons;
    while (auto message = connection_->mailbox().receive(TimePoint::min())) {
      EXPECT_EQ(message->kind, MessageKind::kDown);
      EXPECT_EQ(message->sender, kTaskPid);
      reasons += *message->body.get_if<std::string>();
    }
    return reasons;
  };
  const auto well = [&] { port_.answer("task.next", ended(1)); };
  EXPECT_EQ(end(Mode::kSpawnLink, well), "normal");
  EXPECT_EQ(end(Mode::kSpawn, well), "");
  EXPECT_EQ(end(Mode::kAsync, well), "");
  EXPECT_EQ(
      end(Mode::kSpawnLink, [&] { port_.fail("task.next", StatusCode::kTaskFailed, "oh no"); }),
      "failed: oh no");
  EXPECT_EQ(
      end(Mode::kSpawnLink,
          [&] { port_.fail("task.next", StatusCode::kUnavailable, "link lost"); }),
      "outcome_unknown: m.f runs or ran at foo@h; the request for its result failed: link lost");
}

TEST_F(RemoteTaskTest, BuiltInFunctionsAreNoTasks) {
  for (const auto* function : {"kv.count", "node.info", "task.list", "process.open"}) {
    const auto task = start(Mode::kAsync, function);
    ASSERT_EQ(port_.asked(), function);
    EXPECT_EQ(port_.pending.front().operation.args, (Value::List{1, "x"}));
    EXPECT_EQ(port_.pending.front().timeout.duration, 3s);
    task->cancel();
    port_.answer(function, 5);
    EXPECT_EQ(*task->result(), Value{5});
    EXPECT_EQ(port_.asked(), "");
  }
  EXPECT_FALSE(is_built_in("kvx.f"));
  EXPECT_FALSE(is_built_in("hello.kv.f"));
}

TEST_F(RemoteTaskTest, AnAnswerAgainstTheProtocolEndsIt) {
  const Value wrong[] = {
      Value{},
      5,
      Value::List{},
      Value::List{"foo@h", 7, 99, Value::List{}, 1},
      Value::List{"", 7, 99, Value::List{}, 1, 1},
      Value::List{"foo@h", -7, 99, Value::List{}, 1, 1},
      Value::List{"foo@h", 7, "key", Value::List{}, 1, 1},
      Value::List{"foo@h", 7, 99, "output", 1, 1},
      Value::List{"foo@h", 7, 99, Value::List{1}, 1, 1},
      Value::List{"foo@h", 7, 99, Value::List{chunk(3, "x")}, 1, 1},
      Value::List{"foo@h", 7, 99, Value::List{Value{Value::List{1, "text"}}}, 1, 1},
      Value::List{"foo@h", 7, 99, Value::List{}, 2, 1},
  };
  for (const auto& answer : wrong) {
    const auto task = start(Mode::kCall);
    port_.answer("task.run", answer);
    ASSERT_TRUE(task->is_done()) << answer.to_json();
    EXPECT_EQ(task->result().status().code(), StatusCode::kOutcomeUnknown) << answer.to_json();
    EXPECT_EQ(port_.asked(), "");
  }
  EXPECT_EQ(port_.sink.text, "");
}

TEST_F(RemoteTaskTest, AClosedConnectionIsLeftAlone) {
  const auto task = start(Mode::kAsync);
  port_.answer("task.run", running({chunk(1, "a")}));
  const auto next = port_.take("task.next");
  connection_->close();
  Outcome outcome;
  outcome.result = running({chunk(1, "b")});
  next.done(std::move(outcome));
  EXPECT_EQ(port_.asked(), "");
  EXPECT_EQ(port_.sink.text, "1:a ");
  ASSERT_TRUE(task->is_done());
  EXPECT_EQ(task->result().status().code(), StatusCode::kOutcomeUnknown);
  connection_ = Connection::make({std::shared_ptr<void>{}, &port_});
}

}  // namespace
}  // namespace kvmesh::remote
