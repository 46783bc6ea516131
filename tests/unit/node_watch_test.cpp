// Who is told when of the peers of a node, over polls.

#include "node/tasks/node_watch.h"

#include "tests/unit/processes_fixture.h"

namespace kvmesh::tasks {
namespace {

constexpr PeerIndex kBar{0};
constexpr PeerIndex kQux{1};
constexpr std::uint64_t kFirst = 1000;

class NodeWatchTest : public testing::Test {
 protected:
  std::uint64_t poll(std::uint64_t seen) {
    watch_.poll({++ticket_}, seen, now_);
    return ticket_;
  }
  std::string answer(std::uint64_t ticket) const {
    const auto found = runtime_.answers.find(ticket);
    return found == runtime_.answers.end() ? "waits" : found->second;
  }
  void pass(milliseconds time) { watch_.on_tick(now_ += time); }

  TimePoint now_ = TimePoint{} + hours{1};
  std::uint64_t ticket_ = 0;
  FakeRuntime runtime_;
  NodeWatch watch_{{*NodeName::parse("foo@h"),
                    {*NodeName::parse("bar@h"), *NodeName::parse("qux@h")},
                    kFirst,
                    limits::kTaskSlice},
                   runtime_};
};

TEST_F(NodeWatchTest, TheFirstAnswerIsTheStateOfEveryPeer) {
  const auto begin = R"(["foo@h",1000,[["bar@h",false,"not connected yet"],)"
                     R"(["qux@h",false,"not connected yet"]]])";
  EXPECT_EQ(answer(poll(0)), begin);
  watch_.on_down(kQux, "nobody listens there");
  watch_.on_up(kBar);
  const auto later = R"(["foo@h",1001,[["bar@h",true,""],["qux@h",false,"nobody listens there"]]])";
  EXPECT_EQ(answer(poll(0)), later);
  EXPECT_EQ(answer(poll(7)), later) << "a number of an earlier life of this node";
  EXPECT_EQ(answer(poll(1002)), later) << "or of one that has come further";
}

TEST_F(NodeWatchTest, APollWaitsForAChangeAndIsAnsweredOncePerPass) {
  const auto first = poll(kFirst);
  watch_.flush();
  EXPECT_EQ(answer(first), "waits");
  watch_.on_up(kBar);
  watch_.on_up(kQux);
  EXPECT_EQ(answer(first), "waits") << "what comes together leaves together";
  watch_.flush();
  EXPECT_EQ(answer(first), R"(["foo@h",1002,[["bar@h",true,""],["qux@h",true,""]]])");
  const auto second = poll(1002);
  watch_.on_down(kBar, "the connection ended");
  watch_.flush();
  EXPECT_EQ(answer(second), R"(["foo@h",1003,[["bar@h",false,"the connection ended"]]])");
}

TEST_F(NodeWatchTest, WithoutAChangeItIsAnsweredAtTheSlicesEnd) {
  const auto early = poll(kFirst);
  pass(milliseconds{200});
  const auto late = poll(kFirst);
  pass(milliseconds{299});
  EXPECT_EQ(answer(early), "waits");
  pass(milliseconds{1});
  EXPECT_EQ(answer(early), R"(["foo@h",1000,[]])");
  EXPECT_EQ(answer(late), "waits");
  pass(milliseconds{200});
  EXPECT_EQ(answer(late), R"(["foo@h",1000,[]])");
}

TEST_F(NodeWatchTest, WhoAsksLateMissesNeitherAnEndNorTheStateBehindIt) {
  watch_.on_up(kBar);
  watch_.on_up(kQux);
  const auto seen = kFirst + 2;
  for (const auto* why : {"first", "second"}) {
    watch_.on_down(kBar, why);
    watch_.on_up(kBar);
  }
  EXPECT_EQ(answer(poll(seen)), R"(["foo@h",1006,[["bar@h",false,"second"],["bar@h",true,""]]])");
  EXPECT_EQ(answer(poll(seen + 3)), R"(["foo@h",1006,[["bar@h",true,""]]])")
      << "its end was seen, not its return";
  watch_.on_down(kBar, "third");
  EXPECT_EQ(answer(poll(seen)), R"(["foo@h",1007,[["bar@h",false,"third"]]])");
}

TEST_F(NodeWatchTest, WhatIsSoAlreadyIsNoNews) {
  watch_.on_up(kBar);
  watch_.flush();
  const auto up = poll(kFirst + 1);
  watch_.on_up(kBar);
  watch_.on_down(kQux, "still nobody there");
  watch_.flush();
  EXPECT_EQ(answer(up), "waits");
  watch_.on_down(kBar, "it is stopping");
  watch_.flush();
  EXPECT_EQ(answer(up), R"(["foo@h",1002,[["bar@h",false,"it is stopping"]]])");
  const auto down = poll(kFirst + 2);
  watch_.on_down(kBar, "the connection ended");
  watch_.flush();
  EXPECT_EQ(answer(down), "waits");
}

TEST_F(NodeWatchTest, APollThatComesBetweenAChangeAndItsTellingIsAnsweredOnce) {
  const auto before = poll(kFirst);
  watch_.on_up(kBar);
  EXPECT_EQ(answer(poll(kFirst)), R"(["foo@h",1001,[["bar@h",true,""]]])");
  const auto after = poll(kFirst + 1);
  watch_.flush();
  EXPECT_EQ(answer(before), R"(["foo@h",1001,[["bar@h",true,""]]])");
  EXPECT_EQ(answer(after), "waits") << "it knows";
}

std::vector<NodeName> named(std::initializer_list<std::string_view> names) {
  std::vector<NodeName> out;
  for (const auto name : names) out.push_back(name.empty() ? NodeName{} : *NodeName::parse(name));
  return out;
}

TEST_F(NodeWatchTest, APeerThatGoesAndOneThatComesAreNews) {
  watch_.on_up(kBar);
  watch_.on_up(kQux);
  const auto waiting = poll(kFirst + 2);
  watch_.on_down(kBar, "it is no longer a peer of foo@h");
  watch_.set_peers(named({"new@h", "qux@h"}));
  watch_.flush();
  EXPECT_EQ(answer(waiting), R"(["foo@h",1005,[["bar@h",false,"it is no longer a peer of foo@h"],)"
                             R"(["new@h",false,"not connected yet"]]])")
      << "qux has stayed, which is no news";
  EXPECT_EQ(answer(poll(0)),
            R"(["foo@h",1005,[["new@h",false,"not connected yet"],["qux@h",true,""]]])")
      << "who knows nothing yet is told of no peers of before";
  watch_.on_up(kBar);  // the place is new's
  EXPECT_EQ(answer(poll(kFirst + 5)), R"(["foo@h",1006,[["new@h",true,""]]])");
}

TEST_F(NodeWatchTest, APeerThatWentAndCameBackHasFallenForThoseWhoAskLate) {
  watch_.on_up(kQux);
  watch_.set_peers(named({"bar@h", ""}));
  watch_.set_peers(named({"bar@h", "qux@h"}));
  watch_.on_up(kQux);
  EXPECT_EQ(answer(poll(kFirst + 1)),
            R"(["foo@h",1004,[["qux@h",false,"not connected yet"],["qux@h",true,""]]])");
}

TEST_F(NodeWatchTest, OfManyThatHaveGoneTheOldestAreForgotten) {
  const auto before = kFirst;
  std::vector<NodeName> peers = named({"bar@h", "qux@h"});
  for (std::size_t i = 0; i < limits::kPeersMax + 5; ++i) {
    peers[1] = *NodeName::parse("p" + std::to_string(i) + "@h");
    watch_.set_peers(peers);
  }
  const auto begins = [&](std::uint64_t seen) { return answer(poll(seen)).substr(0, 60); };
  EXPECT_EQ(begins(before), begins(0)) << "as one that knows nothing: the state of every peer";
}

TEST_F(NodeWatchTest, ANodeThatStopsEndsThePollsAtOnce) {
  const auto waiting = poll(kFirst);
  watch_.stop();
  EXPECT_EQ(answer(waiting), "unavailable: foo@h is stopping");
  EXPECT_EQ(answer(poll(0)), "unavailable: foo@h is stopping");
}

// ---- In a mailbox.

Delivery event(Delivery::Kind kind, const std::string& node, std::string why = {},
               std::string seen_by = "foo@h") {
  Delivery out;
  out.kind = kind;
  out.from = "<" + node + "/0>";
  out.body = std::move(why);
  out.function = std::move(seen_by);
  return out;
}
Delivery up(const std::string& node) { return event(Delivery::Kind::kNodeUp, node); }
Delivery down(const std::string& node, std::string why, std::string seen_by = "foo@h") {
  return event(Delivery::Kind::kNodeDown, node, std::move(why), std::move(seen_by));
}

std::vector<std::string> rest_of(Mailbox& box) {
  std::vector<std::string> out;
  while (!box.empty()) {
    const auto next = box.pop();
    if (next.is_node_event()) {
      out.push_back((next.kind == Delivery::Kind::kNodeUp ? "up " : "down ") + next.from + " " +
                    next.body + " " + next.function);
    }
  }
  return out;
}

TEST(NodeEvents, AllComeInWhereThereIsRoom) {
  Meter meter;
  Mailbox box{meter};
  box.push_event(up("bar@h"));
  box.push_event(down("bar@h", "1"));
  box.push_event(up("bar@h"));
  EXPECT_THAT(rest_of(box),
              ElementsAre("up <bar@h/0>  foo@h", "down <bar@h/0> 1 foo@h", "up <bar@h/0>  foo@h"));
  EXPECT_EQ(meter.bytes(), 0U);
}

TEST(NodeEvents, AFullMailboxKeepsTheLastEndAndTheStateOfEachNode) {
  Meter meter;
  Mailbox box{meter};
  box.push_event(up("bar@h"));
  for (std::size_t i = 1; i < limits::kMailboxMessagesMax; ++i) {
    Delivery other;
    other.kind = Delivery::Kind::kMessage;
    ASSERT_EQ(box.push(std::move(other)), "");
  }
  for (const auto* why : {"1", "2", "3"}) {
    box.push_event(down("bar@h", why));
    box.push_event(up("bar@h"));
  }
  box.push_event(up("qux@h"));
  box.push_event(down("qux@h", "4"));
  box.push_event(down("qux@h", "5", "gate@h"));
  EXPECT_EQ(box.size(), limits::kMailboxMessagesMax - 1 + 4);
  EXPECT_THAT(rest_of(box), ElementsAre("down <bar@h/0> 3 foo@h", "up <bar@h/0>  foo@h",
                                        "down <qux@h/0> 4 foo@h", "down <qux@h/0> 5 gate@h"));
  EXPECT_EQ(meter.bytes(), 0U);
}

}  // namespace
}  // namespace kvmesh::tasks
