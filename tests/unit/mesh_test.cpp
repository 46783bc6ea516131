// The facade: calls, tasks that are awaited, processes and servers, against a node that the test
// plays. The mailbox has a file of its own.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/mesh.h>

#include "tests/unit/fake_port.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using remote::chunk;
using remote::ended;
using remote::kTaskPid;
using remote::running;

class MeshTest : public testing::Test {
 protected:
  void will_answer(const std::string& function, const Value& result) {
    port_.then([this, function, result] { port_.answer(function, result); });
  }
  void will_fail(const std::string& function, StatusCode code, const std::string& text) {
    port_.then([this, function, code, text] { port_.fail(function, code, text); });
  }

  remote::FakePort port_;
  std::optional<Mesh> mesh_{std::in_place, port_};
};

TEST_F(MeshTest, ACallConvertsArgumentsAndResult) {
  port_.then([&] {
    const auto& operation = port_.pending.front().operation;
    EXPECT_EQ(operation.target, Operation::For::kNode);
    EXPECT_EQ(operation.name, "foo@h");
    EXPECT_EQ(operation.args, (Value::List{"hello.add", Value::List{1, "x", Value::List{true}},
                                           "call", 5000, Value{}}));
    port_.answer("task.run", ended(3));
  });
  const auto sum = mesh_->call<std::int64_t>("foo@h", "hello.add", 1, "x", std::vector<bool>{true});
  ASSERT_TRUE(sum) << sum.status().text();
  EXPECT_EQ(*sum, 3);

  will_answer("task.run", ended(Value::List{1, "x"}));
  EXPECT_EQ(*mesh_->call("foo@h", "hello.any"), (Value{Value::List{1, "x"}}));
  will_answer("task.run", ended(Value{}));
  EXPECT_TRUE(mesh_->call<void>("foo@h", "hello.nothing").ok());
}

TEST_F(MeshTest, ACallIsForANodeTheOwnNodeOrABucket) {
  const auto target_of = [&](auto call) {
    std::optional<Operation> seen;
    port_.then([&] {
      seen = port_.pending.front().operation;
      port_.answer("task.run", ended(Value{}));
    });
    EXPECT_TRUE(call().ok());
    return std::pair{seen->target, seen->name};
  };
  EXPECT_EQ(target_of([&] { return mesh_->call("foo@h", "m.f"); }),
            (std::pair{Operation::For::kNode, std::string{"foo@h"}}));
  EXPECT_EQ(target_of([&] { return mesh_->call("", "m.f"); }),
            (std::pair{Operation::For::kHere, std::string{}}));
  EXPECT_EQ(target_of([&] { return mesh_->route("shopping", "m.f"); }),
            (std::pair{Operation::For::kBucket, std::string{"shopping"}}));
}

TEST_F(MeshTest, BuiltInFunctionsAreCalledAsTheyAre) {
  port_.then([&] {
    const auto& request = port_.pending.front();
    EXPECT_EQ(request.operation.function, "kv.get");
    EXPECT_EQ(request.operation.target, Operation::For::kBucket);
    EXPECT_EQ(request.operation.args, (Value::List{"milk"}));
    EXPECT_EQ(request.timeout.duration, 2s);
    port_.answer("kv.get", Bytes{"2"});
  });
  EXPECT_EQ(
      **mesh_->route<std::optional<std::string>>({.timeout = 2s}, "shopping", "kv.get", "milk"),
      "2");
  will_fail("node.name", StatusCode::kUnavailable, "gone");
  EXPECT_EQ(mesh_->call("foo@h", "node.name").status(), (Status{StatusCode::kUnavailable, "gone"}));
}

TEST_F(MeshTest, TheTimeoutTravelsAndTheNodeMaySayItsWord) {
  port_.then([&] {
    const auto& request = port_.pending.front();
    EXPECT_EQ(request.operation.args[3], Value{300});
    EXPECT_EQ(request.timeout.duration, 400ms);
    port_.fail("task.run", StatusCode::kDeadlineExceeded, "still runs; it was told to stop");
  });
  EXPECT_EQ(mesh_->call({.timeout = 300ms}, "foo@h", "m.f").status(),
            (Status{StatusCode::kDeadlineExceeded, "still runs; it was told to stop"}));
  ASSERT_EQ(port_.waits.size(), 1U);
  EXPECT_EQ(port_.waits[0], port_.now() + 400ms);

  port_.then([&] {
    EXPECT_EQ(port_.pending.front().timeout.duration, limits::kTaskSlice + limits::kTimeoutDefault)
        << "a long call is asked for in slices";
    port_.answer("task.run", ended(1));
  });
  EXPECT_TRUE(mesh_->call({.timeout = 60s}, "foo@h", "m.f").ok());
}

TEST_F(MeshTest, ACallWhoseTimeIsOverIsNotMade) {
  EXPECT_EQ(mesh_->call({.timeout = 0ms}, "foo@h", "m.f").status().code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_EQ(
      mesh_->spawn({.timeout = std::chrono::milliseconds::min()}, "foo@h", "m.f").status().code(),
      StatusCode::kDeadlineExceeded);
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(MeshTest, ACallThatDoesNotEndIsStopped) {
  will_answer("task.run", running({chunk(1, "a")}));
  const auto result = mesh_->call({.timeout = 700ms}, "foo@h", "m.f");
  EXPECT_EQ(result.status(),
            (Status{StatusCode::kDeadlineExceeded,
                    "m.f at foo@h did not end within 700 ms and was told to stop"}));
  EXPECT_EQ(port_.asked(), "task.next task.cancel");
  EXPECT_EQ(port_.sink.text, "1:a ");
}

TEST_F(MeshTest, ACallThatIsNotAnsweredIsStoppedWhenItIs) {
  const auto result = mesh_->call({.timeout = 700ms}, "foo@h", "m.f");
  EXPECT_EQ(result.status(), (Status{StatusCode::kDeadlineExceeded,
                                     "m.f did not end within 700 ms and was told to stop"}));
  port_.answer("task.run", running());
  EXPECT_EQ(port_.asked(), "task.cancel");
}

TEST_F(MeshTest, OutputOfACallGoesWhereItIsWanted) {
  std::string text;
  will_answer("task.run", ended(Value{}, {chunk(1, "a"), chunk(2, "b")}));
  EXPECT_TRUE(mesh_
                  ->call({.output = output_to([&](const OutputChunk& c) { text += c.bytes; })},
                         "foo@h", "m.f")
                  .ok());
  EXPECT_EQ(text, "ab");
  EXPECT_EQ(port_.sink.text, "");
}

TEST_F(MeshTest, AResultOfAnotherTypeSaysThatItWasExecuted) {
  will_answer("task.run", ended("x"));
  EXPECT_EQ(mesh_->call<int>("foo@h", "m.f").status(),
            (Status{StatusCode::kOutcomeUnknown,
                    "m.f was executed, but its result is of another type: expected an int, got "
                    "text \"x\""}));
}

TEST_F(MeshTest, AnAwaitMayBeLate) {
  auto task = mesh_->async<std::string>("foo@h", "m.f", 1);
  EXPECT_FALSE(task.is_done());
  EXPECT_EQ(port_.pending.front().operation.args[2], Value{"async"});
  EXPECT_EQ(port_.pending.front().operation.args[3], Value{0});
  port_.answer("task.run", running({chunk(1, "while nobody waits")}));
  EXPECT_EQ(port_.sink.text, "1:while nobody waits ");
  port_.answer("task.next", ended("done"));
  EXPECT_TRUE(task.is_done());
  EXPECT_EQ(*task.await(), "done");
  EXPECT_EQ(*task.await(0ms), "done") << "the result stays";
  EXPECT_TRUE(port_.waits.empty());
}

TEST_F(MeshTest, AnAwaitWaitsForTheEnd) {
  auto task = mesh_->async<int>("foo@h", "m.f");
  will_answer("task.run", running());
  will_answer("task.next", running());
  will_fail("task.next", StatusCode::kTaskFailed, "oh no");
  EXPECT_EQ(task.await(3s).status(), (Status{StatusCode::kTaskFailed, "oh no"}));
  EXPECT_EQ(port_.waits.front(), port_.now() + 3s);
}

TEST_F(MeshTest, AnAwaitThatIsOverStopsTheTask) {
  auto task = mesh_->async<int>("foo@h", "m.f");
  will_answer("task.run", running());
  EXPECT_EQ(
      task.await(50ms).status(),
      (Status{StatusCode::kDeadlineExceeded, "m.f did not end within 50 ms and was told to stop"}));
  EXPECT_EQ(port_.asked(), "task.next task.cancel");
  EXPECT_EQ(task.await(50ms).status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(MeshTest, WhatTheNodeSaysOfTheStopIsPartOfTheEnd) {
  auto task = mesh_->async<int>("foo@h", "m.f");
  will_answer("task.run", running());
  port_.on_request = [&](const Operation& operation) {
    if (operation.function != "task.cancel") return;
    will_fail("task.next", StatusCode::kCancelled, "m.f waited and never began");
  };
  const Status end{StatusCode::kDeadlineExceeded,
                   "m.f did not end within 50 ms and was told to stop: m.f waited and never began"};
  EXPECT_EQ(task.await(50ms).status(), end);
  EXPECT_EQ(task.await(50ms).status(), end) << "the end stays";
}

TEST_F(MeshTest, WithoutALinkItGoesOnAndMayBeAwaitedAgain) {
  auto task = mesh_->async_nolink<int>("foo@h", "m.f");
  EXPECT_EQ(port_.pending.front().operation.args[2], Value{"nolink"});
  will_answer("task.run", running());
  EXPECT_EQ(task.await(50ms).status(),
            (Status{StatusCode::kDeadlineExceeded, "m.f did not end within 50 ms; it goes on"}));
  EXPECT_EQ(port_.asked(), "task.next");
  will_answer("task.next", ended(4));
  EXPECT_EQ(*task.await(50ms), 4);
}

TEST_F(MeshTest, CancelComesBackAsTheEnd) {
  auto task = mesh_->async<int>("foo@h", "m.f");
  port_.answer("task.run", running());
  task.cancel();
  EXPECT_FALSE(task.is_done());
  port_.answer("task.cancel", Value{});
  port_.fail("task.next", StatusCode::kCancelled, "it was told to stop");
  EXPECT_EQ(task.await().status().code(), StatusCode::kCancelled);
}

TEST_F(MeshTest, ATaskThatNobodyWaitsForIsStoppedUnlessItHasNoLink) {
  { auto task = mesh_->async("foo@h", "m.f"); }
  port_.answer("task.run", running());
  EXPECT_EQ(port_.asked(), "task.cancel");
  port_.answer("task.cancel", Value{});

  { auto task = mesh_->async_nolink("foo@h", "m.f"); }
  port_.answer("task.run", running());
  EXPECT_EQ(port_.asked(), "");

  auto first = mesh_->async("foo@h", "m.f");
  port_.answer("task.run", running());
  first = mesh_->async("foo@h", "m.g");
  EXPECT_EQ(port_.asked(), "task.next task.run task.cancel") << "the one that was there is let go";
}

TEST_F(MeshTest, ManyTasksAreUnderWayAtOnce) {
  std::vector<Async<int>> tasks;
  tasks.reserve(3);
  for (int i = 0; i < 3; ++i) tasks.push_back(mesh_->async<int>("foo@h", "m.f", i));
  EXPECT_EQ(port_.asked(), "task.run task.run task.run");
  for (int i = 0; i < 3; ++i) will_answer("task.run", ended(i));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*tasks[static_cast<std::size_t>(i)].await(), i);
}

TEST_F(MeshTest, SpawnReturnsThePidAndItsOutputKeepsComing) {
  port_.then([&] {
    EXPECT_EQ(port_.pending.front().operation.args[2], Value{"spawn"});
    port_.answer("task.run", running());
  });
  const auto pid = mesh_->spawn("foo@h", "m.f", 1);
  ASSERT_TRUE(pid) << pid.status().text();
  EXPECT_EQ(*pid, kTaskPid);
  port_.answer("task.next", running({chunk(1, "later")}));
  EXPECT_EQ(port_.sink.text, "1:later ");
  port_.answer("task.next", ended(Value{}));
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(MeshTest, SpawnMayFail) {
  will_fail("task.run", StatusCode::kOverloaded, "too many");
  EXPECT_EQ(mesh_->spawn("foo@h", "m.f").status(), (Status{StatusCode::kOverloaded, "too many"}));
  EXPECT_EQ(mesh_->spawn("foo@h", "kv.get").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(mesh_->spawn({.timeout = 1s}, "foo@h", "m.f").status().code(),
            StatusCode::kOutcomeUnknown);
  port_.answer("task.run", running());
  EXPECT_EQ(port_.asked(), "task.cancel") << "nobody knows its pid";
}

TEST_F(MeshTest, ServersAreCalledAndCast) {
  port_.then([&] {
    const auto& request = port_.pending.front();
    EXPECT_EQ(request.operation.name, "foo@h");
    EXPECT_EQ(request.operation.args, (Value::List{"counter", "add", Value::List{1}, Value{}}));
    EXPECT_EQ(request.timeout.duration, 5s);
    port_.answer("server.call", 6);
  });
  EXPECT_EQ(*mesh_->server_call<int>({"counter", "foo@h"}, "add", 1), 6);

  will_fail("server.call", StatusCode::kUnavailable, "server counter is being restarted");
  EXPECT_EQ(mesh_->server_call({.timeout = 1s}, {"counter", "foo@h"}, "add", 1).status().code(),
            StatusCode::kUnavailable);
  will_answer("server.call", "x");
  EXPECT_EQ(mesh_->server_call<int>({"counter", "foo@h"}, "add", 1).status().text(),
            "counter.add was executed, but its result is of another type: expected an int, got "
            "text \"x\"");

  will_answer("server.cast", Value{});
  EXPECT_TRUE(mesh_->server_cast({"counter", "foo@h"}, "reset").ok());
  will_fail("server.cast", StatusCode::kNotFound, "no server");
  EXPECT_EQ(mesh_->server_cast({"counter", "foo@h"}, "reset").code(), StatusCode::kNotFound);
  EXPECT_EQ(mesh_->server_call({"counter", "foo@h"}, "add", 1).status().code(),
            StatusCode::kOutcomeUnknown)
      << "a port that never answers";
}

TEST_F(MeshTest, WhatWasStartedOutlivesTheMesh) {
  auto task = mesh_->async<int>("foo@h", "m.f");
  port_.answer("task.run", running());
  will_answer("task.run", running());
  ASSERT_TRUE(mesh_->spawn("foo@h", "m.g").ok());
  EXPECT_EQ(port_.asked(), "task.next task.next");
  mesh_.reset();
  EXPECT_EQ(task.await(1s).status().code(), StatusCode::kUnavailable);
  port_.answer("task.next", running({chunk(1, "unheard")}));
  port_.answer("task.next", running({chunk(1, "unheard")}));
  EXPECT_EQ(port_.asked(), "");
  EXPECT_EQ(port_.sink.text, "");
  EXPECT_TRUE(task.is_done());
}

}  // namespace
}  // namespace kvmesh
