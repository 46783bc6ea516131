// Nodes that come and go, as a program is told of them.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include <kvmesh/limits.h>
#include <kvmesh/mesh.h>

#include "common/remote/poll.h"
#include "tests/unit/fake_port.h"

namespace kvmesh {
namespace {

Value told(std::uint64_t seen, Value::List changes, const char* node = "gate@h") {
  return Value::List{node, seen, std::move(changes)};
}
Value up(const char* node) { return Value::List{node, true, ""}; }
Value down(const char* node, const char* why) { return Value::List{node, false, why}; }

Message event(MessageKind kind, const char* node, const char* why, const char* seen_by = "gate@h") {
  return {kind, {node, 0}, why, seen_by};
}
Message is_up(const char* node) { return event(MessageKind::kNodeUp, node, ""); }
Message is_down(const char* node, const char* why, const char* seen_by = "gate@h") {
  return event(MessageKind::kNodeDown, node, why, seen_by);
}

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    port_.then([this] { port_.answer("process.open", Value::List{"gate@h", 0x1f, 77}); });
    EXPECT_TRUE(mesh_->self());
    poll_ = port_.take("process.receive");  // of the mailbox, which gets nothing from the node
  }
  void watch(Value first, std::string_view node = {}) {
    port_.then([&] { port_.answer("node.watch", std::move(first)); });
    ASSERT_EQ(mesh_->watch_nodes(node), Status{});
    ASSERT_EQ(port_.asked(), "node.watch");
  }

  remote::FakePort port_;
  std::optional<Mesh> mesh_{std::in_place, port_};
  remote::FakePort::Pending poll_;
};

TEST_F(WatchTest, BeginsWithTheStateOfEveryPeer) {
  port_.then([this] {
    const auto& asked = port_.pending.front();
    EXPECT_EQ(asked.operation.target, Operation::For::kHere);
    EXPECT_EQ(asked.operation.args, Value::List{0});
    port_.answer("node.watch", told(9, {up("foo@h"), down("bar@h", "it is away")}));
  });
  ASSERT_EQ(mesh_->watch_nodes(), Status{});
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h"));
  EXPECT_EQ(mesh_->try_receive(), is_down("bar@h", "it is away"));
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
}

TEST_F(WatchTest, AsksAgainForWhatCameSince) {
  watch(told(9, {up("foo@h")}), "gate@h");
  (void)mesh_->flush();
  const auto& asked = port_.pending.front();
  EXPECT_EQ(asked.operation.target, Operation::For::kNode);
  EXPECT_EQ(asked.operation.name, "gate@h");
  EXPECT_EQ(asked.operation.args, Value::List{9});
  EXPECT_EQ(asked.timeout.duration, limits::kTaskSlice + limits::kTimeoutDefault);
  port_.answer("node.watch", told(9, {}));
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  port_.answer("node.watch", told(11, {down("foo@h", "gone"), up("foo@h")}));
  EXPECT_EQ(mesh_->try_receive(), is_down("foo@h", "gone"));
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h"));
  EXPECT_EQ(port_.pending.front().operation.args, Value::List{11});
}

TEST_F(WatchTest, TheEndOfTheWatchedNodeEndsTheWatchAndIsTold) {
  watch(told(9, {}));
  port_.fail("node.watch", StatusCode::kOutcomeUnknown, "the connection ended");
  EXPECT_EQ(mesh_->try_receive(), is_down("gate@h", "outcome_unknown: the connection ended", ""));
  EXPECT_EQ(port_.asked(), "");
  watch(told(3, {up("foo@h")}));
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h"));
  port_.answer("node.watch", "nonsense");
  const auto end = mesh_->try_receive();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, MessageKind::kNodeDown);
  EXPECT_EQ(end->seen_by, "");
}

TEST_F(WatchTest, TheWatchOfTheConnectedNodeEndsWhenAnotherIsConnected) {
  watch(told(9, {up("foo@h")}));
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h"));
  port_.answer("node.watch", told(70, {up("foo@h")}, "b@h"));
  EXPECT_EQ(mesh_->try_receive(),
            is_down("gate@h", "unavailable: another node is connected now, b@h", ""));
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(WatchTest, ABusyNodeIsAskedAgainAfterAPauseForWhatItHasNotTold) {
  watch(told(9, {up("foo@h")}), "gate@h");
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h"));
  EXPECT_EQ(port_.pending.front().pause.count(), 0);
  for (int i = 0; i < 3; ++i) {
    port_.fail("node.watch", StatusCode::kOverloaded, "as many as it takes are under way");
    EXPECT_EQ(mesh_->try_receive(), std::nullopt) << "it is there";
    ASSERT_EQ(port_.asked(), "node.watch");
    const auto& again = port_.pending.front();
    EXPECT_EQ(again.pause, remote::kBusyPause);
    EXPECT_EQ(again.operation.name, "gate@h");
    EXPECT_EQ(again.operation.args, Value::List{9});
    EXPECT_EQ(again.timeout.duration, limits::kTaskSlice + limits::kTimeoutDefault);
  }
  port_.answer("node.watch", told(11, {down("foo@h", "gone")}));
  EXPECT_EQ(mesh_->try_receive(), is_down("foo@h", "gone"));
  EXPECT_EQ(port_.pending.front().pause.count(), 0);
  EXPECT_EQ(port_.pending.front().operation.args, Value::List{11});
}

TEST_F(WatchTest, ThatEndsWhileTheNodeIsBusyStaysEnded) {
  watch(told(9, {}));
  mesh_->unwatch_nodes();
  port_.fail("node.watch", StatusCode::kOverloaded, "busy");
  port_.answer("node.watch", told(11, {up("foo@h")}));
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_EQ(port_.asked(), "");
  watch(told(9, {}));
  port_.fail("node.watch", StatusCode::kOverloaded, "busy");
  mesh_.reset();
  (void)port_.take("process.close");
  port_.fail("node.watch", StatusCode::kOverloaded, "busy");
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(WatchTest, ThatCannotBeginIsAStatus) {
  port_.then([this] { port_.fail("node.watch", StatusCode::kNoRoute, "nobody knows it"); });
  EXPECT_EQ(mesh_->watch_nodes("x@h"), (Status{StatusCode::kNoRoute, "nobody knows it"}));
  port_.then([this] { port_.answer("node.watch", Value::List{"gate@h", -1, Value::List{}}); });
  EXPECT_EQ(mesh_->watch_nodes().code(), StatusCode::kProtocolError);
  for (auto change :
       {Value{"foo@h"}, Value{Value::List{"foo@h", 1, ""}}, Value{Value::List{"foo@h", true}}}) {
    port_.then([&] { port_.answer("node.watch", told(9, {std::move(change)})); });
    EXPECT_EQ(mesh_->watch_nodes().code(), StatusCode::kProtocolError);
  }
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(WatchTest, NothingComesAfterItsEnd) {
  watch(told(9, {up("foo@h")}));
  mesh_->unwatch_nodes();
  mesh_->unwatch_nodes("nobody@h");
  port_.answer("node.watch", told(10, {down("foo@h", "gone")}));
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h")) << "what was there stays";
  EXPECT_EQ(mesh_->try_receive(), std::nullopt);
  EXPECT_EQ(port_.asked(), "");
}

TEST_F(WatchTest, ASecondWatchOfANodeTakesThePlaceOfTheFirst) {
  watch(told(9, {up("foo@h")}));
  auto first = port_.take("node.watch");
  watch(told(9, {up("foo@h")}));
  Outcome late;
  late.result = told(10, {down("foo@h", "gone")});
  first.done(std::move(late));
  EXPECT_EQ(mesh_->flush().size(), 2U);
  EXPECT_EQ(port_.asked(), "node.watch") << "one";
}

TEST_F(WatchTest, SeveralNodesAreToldApart) {
  watch(told(9, {up("foo@h")}));
  const auto gate = port_.take("node.watch");
  watch(told(5, {down("foo@h", "not from here")}, "bar@h"), "bar@h");
  EXPECT_EQ(mesh_->try_receive(), is_up("foo@h"));
  EXPECT_EQ(mesh_->try_receive(), is_down("foo@h", "not from here", "bar@h"));
}

TEST_F(WatchTest, AFullMailboxKeepsTheLastEndAndTheStateOfEachNode) {
  constexpr std::size_t kMost = 2 * limits::kMailboxMessagesMax;
  watch(told(9, {up("foo@h"), up("bar@h")}));
  std::uint64_t seen = 9;
  for (std::size_t i = 0; i < kMost / 2 - 1; ++i) {
    port_.answer("node.watch", told(++seen, {down("foo@h", "old"), up("foo@h")}));
  }
  // It is full.
  port_.answer("node.watch", told(++seen, {down("foo@h", "latest")}));
  port_.answer("node.watch", told(++seen, {up("foo@h")}));
  const auto messages = mesh_->flush();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0], is_up("bar@h"));
  EXPECT_EQ(messages[1], is_down("foo@h", "latest"));
  EXPECT_EQ(messages[2], is_up("foo@h"));
}

TEST_F(WatchTest, AMailboxFullOfOtherThingsTakesThemToo) {
  watch(told(9, {}));
  for (std::size_t i = 0; i < 2 * limits::kMailboxMessagesMax + 1; ++i) {
    ASSERT_TRUE(mesh_->monitor({"foo@h", 1}).ok());
    port_.fail("process.monitor", StatusCode::kUnavailable, "gone");
  }
  port_.answer("node.watch", told(10, {down("foo@h", "1"), up("foo@h")}));
  port_.answer("node.watch", told(11, {down("foo@h", "2"), up("foo@h")}));
  port_.fail("node.watch", StatusCode::kUnavailable, "gate@h is stopping");
  const auto messages = mesh_->flush();
  ASSERT_EQ(messages.size(), 2 * limits::kMailboxMessagesMax + 3);
  const auto last = messages.end() - 3;
  EXPECT_EQ(last[0], is_down("foo@h", "2"));
  EXPECT_EQ(last[1], is_up("foo@h"));
  EXPECT_EQ(last[2], is_down("gate@h", "unavailable: gate@h is stopping", ""));
}

TEST_F(WatchTest, EndsWithTheMesh) {
  watch(told(9, {up("foo@h")}));
  mesh_.reset();
  (void)port_.take("process.close");
  port_.answer("node.watch", told(10, {down("foo@h", "gone")}));
  EXPECT_EQ(port_.asked(), "");
}

}  // namespace
}  // namespace kvmesh
