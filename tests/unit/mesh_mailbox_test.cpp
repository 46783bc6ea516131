// A program's mailbox: opened at first use, fetched from all the time, bounded, and lost.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/mesh.h>

#include "common/remote/poll.h"
#include "tests/unit/fake_port.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using remote::ended;
using remote::kTaskPid;
using remote::running;

const Pid kOwn{"gate@h", 0x1f};
const Pid kOther{"foo@h", 0x2a};

Value sent(Value body, Value from = "<foo@h/2a>") {
  return Value::List{0, std::move(from), std::move(body)};
}

class MailboxTest : public testing::Test {
 protected:
  void open() {
    port_.then([&] { port_.answer("process.open", Value::List{"gate@h", 0x1f, 77}); });
    const auto pid = mesh_->self();
    ASSERT_TRUE(pid) << pid.status().text();
    ASSERT_EQ(*pid, kOwn);
    ASSERT_EQ(port_.asked(), "process.receive");
  }
  void arrive(Value::List messages) { port_.answer("process.receive", std::move(messages)); }

  remote::FakePort port_;
  std::optional<Mesh> mesh_{std::in_place, port_};
};

TEST_F(MailboxTest, OpensOnceAtFirstUse) {
  EXPECT_EQ(port_.asked(), "");
  port_.then([&] {
    EXPECT_EQ(port_.asked(), "process.open");
    EXPECT_EQ(port_.pending.front().operation.target, Operation::For::kHere);
    port_.answer("process.open", Value::List{"gate@h", 0x1f, 77});
  });
  EXPECT_EQ(*mesh_->self(), kOwn);
  EXPECT_EQ(*mesh_->self(), kOwn);
  const auto& request = port_.pending.front();
  EXPECT_EQ(request.operation.function, "process.receive");
  EXPECT_EQ(request.operation.target, Operation::For::kNode);
  EXPECT_EQ(request.operation.name, "gate@h");
  EXPECT_EQ(request.operation.args, (Value::List{0x1f, 77, 1000}));
  EXPECT_EQ(request.timeout.duration, limits::kTaskSlice + limits::kTimeoutDefault);
}

TEST_F(MailboxTest, AFailureToOpenIsToldAndTriedAgain) {
  port_.then([&] { port_.fail("process.open", StatusCode::kUnavailable, "no node"); });
  EXPECT_EQ(mesh_->self().status(), (Status{StatusCode::kUnavailable, "no node"}));
  port_.then([&] { port_.answer("process.open", "nonsense"); });
  EXPECT_EQ(mesh_->receive().status().code(), StatusCode::kProtocolError);
  EXPECT_EQ(mesh_->self().status().code(), StatusCode::kUnavailable) << "no answer at all";
  port_.answer("process.open", Value::List{"gate@h", 0x1f, 77});
  EXPECT_EQ(*mesh_->self(), kOwn) << "the late answer counts";
}

TEST_F(MailboxTest, ReceiveTakesTheOldestAndWaitsWhenThereIsNone) {
  open();
  arrive({sent("a"), sent(2, Value{}), Value::List{1, "<foo@h/2a>", "normal"},
          Value::List{2, "<foo@h/2a>", "overloaded: full"}});
  EXPECT_EQ(port_.asked(), "process.receive") << "it goes on";
  EXPECT_EQ(*mesh_->receive(), (Message{MessageKind::kMessage, kOther, "a"}));
  EXPECT_EQ(*mesh_->receive(), (Message{MessageKind::kMessage, {}, 2}));
  EXPECT_EQ(*mesh_->receive(), (Message{MessageKind::kDown, kOther, "normal"}));
  EXPECT_EQ(*mesh_->receive(), (Message{MessageKind::kUndelivered, kOther, "overloaded: full"}));
  const auto waits_before = port_.waits.size();

  port_.then([&] { arrive({}); });
  port_.then([&] { arrive({}); });
  port_.then([&] { arrive({sent("late")}); });
  EXPECT_EQ(mesh_->receive(2s)->body, Value{"late"});
  EXPECT_EQ(port_.waits.size(), waits_before + 1);
  EXPECT_EQ(port_.waits.back(), port_.now() + 2s);
  EXPECT_EQ(mesh_->receive(2s).status(),
            (Status{StatusCode::kDeadlineExceeded, "no message came within 2000 ms"}));
}

TEST_F(MailboxTest, TryReceiveAndFlushTakeWhatIsThereAndNeverWait) {
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_TRUE(mesh_->flush().empty());
  EXPECT_EQ(port_.asked(), "") << "not even for a mailbox";
  open();
  arrive({sent(1), sent(2)});
  arrive({sent(3)});
  const auto waits_before = port_.waits.size();
  EXPECT_EQ(mesh_->try_receive()->body, Value{1});
  const auto rest = mesh_->flush();
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].body, Value{2});
  EXPECT_EQ(rest[1].body, Value{3});
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_EQ(port_.waits.size(), waits_before);
}

TEST_F(MailboxTest, WhatIsNotReadStaysAtTheNode) {
  open();
  Value::List thousand(1000, sent(1));
  for (std::size_t i = 0; i < limits::kMailboxMessagesMax / 1000; ++i) {
    EXPECT_EQ(port_.pending.front().operation.args.size(), 3U) << i;
    arrive(thousand);
  }
  EXPECT_EQ(port_.pending.front().operation.args, (Value::List{0x1f, 77, 1000, false}))
      << "it only says that it is still there";
  arrive({});
  EXPECT_EQ(port_.pending.front().operation.args.size(), 4U);
  EXPECT_TRUE(mesh_->try_receive());
  arrive({});
  EXPECT_EQ(port_.pending.front().operation.args.size(), 3U);
  EXPECT_EQ(mesh_->flush().size(), limits::kMailboxMessagesMax - 1);
}

TEST_F(MailboxTest, TheBytesAreBoundedToo) {
  open();
  const std::string mebibyte(1024 * 1024, 'x');
  for (std::size_t i = 0; i < limits::kMailboxBytesMax / mebibyte.size(); ++i) {
    EXPECT_EQ(port_.pending.front().operation.args.size(), 3U) << i;
    arrive({sent(Value::Map{{"k", Value::List{mebibyte}}})});
  }
  EXPECT_EQ(port_.pending.front().operation.args.size(), 4U);
}

TEST_F(MailboxTest, ALostOneIsToldOnceAndOpenedAnew) {
  open();
  arrive({sent("before")});
  port_.fail("process.receive", StatusCode::kOutcomeUnknown, "link lost");
  EXPECT_EQ(port_.asked(), "");
  EXPECT_EQ(mesh_->receive()->body, Value{"before"}) << "what had come is there";
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_EQ(mesh_->receive().status(),
            (Status{StatusCode::kOutcomeUnknown, "the mailbox <gate@h/1f> is lost: link lost"}));
  port_.then([&] { port_.answer("process.open", Value::List{"gate@h", 0x20, 78}); });
  port_.then([&] { arrive({sent("after")}); });
  EXPECT_EQ(mesh_->receive()->body, Value{"after"});
  EXPECT_EQ(mesh_->self()->id, 0x20U);
}

TEST_F(MailboxTest, ABusyNodeIsAskedAgainAfterAPause) {
  open();
  ASSERT_TRUE(mesh_->monitor(kOther).ok());
  const auto expect_again = [&] {
    const auto& again = port_.pending.back();
    EXPECT_EQ(again.pause, remote::kBusyPause);
    EXPECT_EQ(again.timeout.duration, limits::kTaskSlice + limits::kTimeoutDefault);
  };
  for (int i = 0; i < 3; ++i) {
    port_.fail("process.receive", StatusCode::kOverloaded, "busy");
    expect_again();
    EXPECT_EQ(port_.pending.back().operation.args, (Value::List{0x1f, 77, 1000}));
    port_.fail("process.monitor", StatusCode::kOverloaded, "busy");
    expect_again();
    EXPECT_EQ(port_.pending.back().operation.args, (Value::List{0x2a}));
    EXPECT_EQ(port_.asked(), "process.receive process.monitor");
  }
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  arrive({sent("late")});
  EXPECT_EQ(mesh_->try_receive()->body, Value{"late"});
  port_.answer("process.monitor", Value::List{false, "normal"});
  EXPECT_EQ(mesh_->try_receive()->kind, MessageKind::kDown);
  EXPECT_EQ(port_.pending.back().pause.count(), 0);
}

TEST_F(MailboxTest, ALossEndsAWait) {
  open();
  port_.then([&] { port_.fail("process.receive", StatusCode::kNotFound, "the client is gone"); });
  EXPECT_EQ(mesh_->receive(1s).status(),
            (Status{StatusCode::kNotFound, "the mailbox <gate@h/1f> is lost: the client is gone"}));
}

TEST_F(MailboxTest, MessagesAgainstTheProtocolLoseIt) {
  const Value wrong[] = {5,
                         Value::List{1},
                         Value::List{Value{Value::List{0, Value{}}}},
                         Value::List{Value{Value::List{3, Value{}, 1}}},
                         Value::List{Value{Value::List{0, "foo", 1}}},
                         Value::List{Value{Value::List{0, 5, 1}}}};
  for (const auto& answer : wrong) {
    open();
    port_.answer("process.receive", answer);
    EXPECT_EQ(mesh_->receive().status().code(), StatusCode::kProtocolError) << answer.to_json();
    EXPECT_EQ(port_.asked(), "");
  }
}

TEST_F(MailboxTest, SendTellsTheOwnPidAndDoesNotWait) {
  open();
  const auto waits_before = port_.waits.size();
  EXPECT_TRUE(mesh_->send(kOther, "ping").ok());
  EXPECT_TRUE(mesh_->send(ServerName{"counter", "bar@h"}, std::vector<int>{1}).ok());
  EXPECT_TRUE(mesh_->send({"counter", ""}, 1).ok());
  EXPECT_EQ(port_.waits.size(), waits_before);
  const auto first = port_.take("process.send").operation;
  EXPECT_EQ(first.name, "foo@h");
  EXPECT_EQ(first.args, (Value::List{0x2a, "<gate@h/1f>", "ping"}));
  const auto second = port_.take("process.send").operation;
  EXPECT_EQ(second.name, "bar@h");
  EXPECT_EQ(second.args, (Value::List{"counter", "<gate@h/1f>", Value::List{1}}));
  EXPECT_EQ(port_.take("process.send").operation.target, Operation::For::kHere);
}

TEST_F(MailboxTest, WhatCannotBeDeliveredComesBack) {
  open();
  ASSERT_TRUE(mesh_->send(kOther, "ping").ok());
  ASSERT_TRUE(mesh_->send(kOther, "pong").ok());
  ASSERT_TRUE(mesh_->send(ServerName{"counter", "bar@h"}, 1).ok());
  port_.fail("process.send", StatusCode::kOverloaded, "the mailbox is full");
  port_.answer("process.send", Value{});
  port_.fail("process.send", StatusCode::kUnavailable, "no link to bar@h");
  const auto messages = mesh_->flush();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0],
            (Message{MessageKind::kUndelivered, kOther, "overloaded: the mailbox is full"}));
  EXPECT_EQ(messages[1], (Message{MessageKind::kUndelivered, {}, "unavailable: no link to bar@h"}));
}

TEST_F(MailboxTest, NobodyCannotBeSentToOrMonitored) {
  EXPECT_EQ(mesh_->send(Pid{}, 1).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(mesh_->monitor(Pid{}).code(), StatusCode::kInvalidArgument);
  port_.then([&] { port_.fail("process.open", StatusCode::kUnavailable, "no node"); });
  EXPECT_EQ(mesh_->send(kOther, 1).code(), StatusCode::kUnavailable);
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(MailboxTest, AMonitorAsksUntilTheEnd) {
  open();
  ASSERT_TRUE(mesh_->monitor(kOther).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(port_.asked(), "process.receive process.monitor");
    EXPECT_EQ(port_.pending.back().operation.name, "foo@h");
    EXPECT_EQ(port_.pending.back().operation.args, (Value::List{0x2a}));
    port_.answer("process.monitor", Value::List{true, ""});
  }
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  port_.answer("process.monitor", Value::List{false, "failed: oh no"});
  EXPECT_EQ(*mesh_->try_receive(), (Message{MessageKind::kDown, kOther, "failed: oh no"}));
  EXPECT_EQ(port_.asked(), "process.receive");
}

TEST_F(MailboxTest, ANodeThatIsGoneIsAnEnd) {
  open();
  ASSERT_TRUE(mesh_->monitor(kOther).ok());
  port_.fail("process.monitor", StatusCode::kOutcomeUnknown, "link lost");
  EXPECT_EQ(*mesh_->try_receive(),
            (Message{MessageKind::kDown, kOther, "outcome_unknown: link lost"}));
  ASSERT_TRUE(mesh_->monitor(kOther).ok());
  port_.answer("process.monitor", 5);
  EXPECT_EQ(mesh_->try_receive()->kind, MessageKind::kDown);
}

TEST_F(MailboxTest, ALinkedProcessTellsItsEnd) {
  open();
  port_.then([&] {
    EXPECT_EQ(port_.pending.back().operation.args[2], Value{"spawn_link"});
    EXPECT_EQ(port_.pending.back().operation.args[4], Value{"<gate@h/1f>"});
    port_.answer("task.run", running());
  });
  EXPECT_EQ(*mesh_->spawn_link("foo@h", "hello.ping"), kTaskPid);
  port_.then([&] { port_.answer("task.next", ended(Value{})); });
  EXPECT_EQ(*mesh_->receive(), (Message{MessageKind::kDown, kTaskPid, "normal"}));
}

TEST_F(MailboxTest, CallsTellThePidWhenThereIsOne) {
  open();
  port_.then([&] {
    EXPECT_EQ(port_.pending.back().operation.args[3], Value{"<gate@h/1f>"});
    port_.answer("server.call", 1);
  });
  EXPECT_TRUE(mesh_->server_call({"counter", "foo@h"}, "add").ok());
}

TEST_F(MailboxTest, TheEndOfTheMeshClosesIt) {
  open();
  ASSERT_TRUE(mesh_->monitor(kOther).ok());
  mesh_.reset();
  EXPECT_EQ(port_.waits.back(), port_.now() + 200ms) << "not for long, when no answer comes";
  const auto close = port_.take("process.close");
  EXPECT_EQ(close.operation.args, (Value::List{0x1f, 77}));
  EXPECT_EQ(close.timeout.duration, 200ms);
  close.done({});
  arrive({sent("late")});
  port_.answer("process.monitor", Value::List{true, ""});
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(MailboxTest, TheEndOfTheMeshWaitsForTheNodeToForgetIt) {
  open();
  bool later = false;
  port_.then([&] { port_.answer("process.close", Value{}); });
  port_.then([&] { later = true; });
  mesh_.reset();
  EXPECT_EQ(port_.asked(), "process.receive");
  EXPECT_FALSE(later) << "no longer than that";
}

class OwnMailbox : public remote::Mailbox {
 public:
  Result<Pid> self() override { return kTaskPid; }
  std::optional<Pid> known_self() const override { return kTaskPid; }
  Result<Message> receive(TimePoint until) override {
    last_until = until;
    if (messages.empty()) return Status{StatusCode::kCancelled, "told to stop"};
    auto message = std::move(messages.front());
    messages.erase(messages.begin());
    return message;
  }
  void push(Message message) override { messages.push_back(std::move(message)); }

  std::vector<Message> messages;
  TimePoint last_until;
};

class PortOfATask : public remote::FakePort {
 public:
  remote::Mailbox* mailbox() override { return &own; }
  OwnMailbox own;
};

TEST(MailboxOfATask, IsUsedInsteadOfOneAtTheNode) {
  PortOfATask port;
  Mesh mesh{port};
  EXPECT_EQ(*mesh.self(), kTaskPid);
  EXPECT_EQ(mesh.receive(1s).status(), (Status{StatusCode::kCancelled, "told to stop"}));
  EXPECT_EQ(port.own.last_until, port.now() + 1s);
  ASSERT_TRUE(mesh.send(kOther, "ping").ok());
  EXPECT_EQ(port.pending.front().operation.args[1], Value{"<foo@h/7>"});
  port.fail("process.send", StatusCode::kNotFound, "no such process");
  ASSERT_TRUE(mesh.monitor(kOther).ok());
  port.answer("process.monitor", Value::List{false, "normal"});
  const auto messages = mesh.flush();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].kind, MessageKind::kUndelivered);
  EXPECT_EQ(messages[1].kind, MessageKind::kDown);
  EXPECT_EQ(port.asked(), "");
}

}  // namespace
}  // namespace kvmesh
