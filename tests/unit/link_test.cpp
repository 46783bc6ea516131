// A link and what the node at its other end may say: each breach of the protocol ends the
// connection with its reason. The clock is the test's own.

#include "common/transport/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/fake_node.h"

namespace kvmesh::transport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::FakeNode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Recorder final : public LinkEvents {
 public:
  void on_up(Link&, const wire::Welcome& welcome) override { up.emplace_back(welcome.name); }
  void on_reply(Link&, const ReplyView& reply) override { replies.push_back(reply.id.value); }
  void on_draining(Link&, const std::string& why) override { draining.push_back(why); }
  void on_unsent(Link&, RequestId id) override { unsent.push_back(id.value); }
  void on_down(Link&, const std::string& why) override { down.push_back(why); }

  std::vector<std::string> up, draining, down;
  std::vector<std::uint64_t> replies, unsent;
};

class LinkTest : public testing::Test {
 protected:
  // Works on both sides until `done` holds.
  template <typename Done>
  void await(Done done) {
    ASSERT_TRUE(node_.await([&] {
      link_.tick(now_);
      (void)link_.receive(now_, 100);
      return done();
    }));
  }
  void come_up() {
    await([&] { return !events_.up.empty(); });
    ASSERT_EQ(link_.state(), Link::State::kUp);
  }
  void send(std::string_view frame) { node_.send(node_.hellos.back(), frame); }
  // Why the link ends when the node answers HELLO with this.
  std::string greeted_with(std::string frame) {
    node_.greeting = std::move(frame);
    await([&] { return !events_.down.empty(); });
    EXPECT_THAT(events_.up, IsEmpty());
    return events_.down.empty() ? "" : events_.down.front();
  }
  // Why it ends when the node sends this later.
  std::string told(std::string_view frame) {
    come_up();
    send(frame);
    await([&] { return !events_.down.empty(); });
    return events_.down.empty() ? "" : events_.down.front();
  }
  void add_request(std::uint64_t id, std::size_t bytes = 0) {
    const auto request = wire::make_request(body_, {}, "node.ping", [&](wire::Buffer& out) {
      wire::pack_array(out, 1);
      wire::pack_bin(out, std::string(bytes, 'x'));
    });
    link_.add_request(request, RequestId{id}, 5000, nullptr);
  }
  static std::string welcome_of(std::string_view name, std::uint64_t version) {
    wire::Welcome welcome;
    welcome.name = name;
    welcome.version = version;
    wire::Buffer frame;
    wire::encode(frame, welcome);
    return std::string{frame.view()};
  }
  static std::string replies(std::string_view rest) {
    wire::Buffer frame;
    wire::begin_frame(frame, wire::FrameKind::kReplies);
    wire::append_reply(frame, {}, RequestId{7});
    return std::string{frame.view()} + std::string{rest};
  }

  FakeNode node_;
  zmq::context_t context_{1};
  Recorder events_;
  wire::Buffer body_;
  TimePoint now_ = TimePoint{} + hours{1};
  Link link_{context_,
             {.endpoint = node_.endpoint(),
              .self = {},
              .peer = *NodeName::parse("fake@localhost"),
              .software = "test",
              .table_epoch = {},
              .reconnect_min = hours{1},
              .reconnect_max = hours{1}},
             events_};
};

TEST_F(LinkTest, AGoodWelcomeBringsItUp) {
  come_up();
  EXPECT_THAT(events_.up, ElementsAre("fake@localhost"));
  add_request(1);
  add_request(2, 20000);  // large enough to leave at once, and to be handed over to libzmq
  link_.flush();
  await([&] { return node_.requests.size() == 2; });
  for (const auto& request : node_.requests) node_.answer(request);
  await([&] { return events_.replies.size() == 2; });
  EXPECT_THAT(events_.replies, ElementsAre(1, 2));
  EXPECT_EQ(link_.refused_frames(), 0U);
}

TEST_F(LinkTest, AnythingElseInItsPlaceEndsIt) {
  EXPECT_EQ(greeted_with("x"), "it sent a frame that is refused: empty");
  EXPECT_EQ(link_.refused_frames(), 1U);
  EXPECT_EQ(link_.state(), Link::State::kWaiting);
}

TEST_F(LinkTest, AMalformedWelcomeEndsIt) {
  EXPECT_EQ(greeted_with("\x01\x02\xc0"), "its WELCOME was malformed or out of turn");
}

TEST_F(LinkTest, AWelcomeOfAnotherVersionEndsIt) {
  EXPECT_EQ(greeted_with(welcome_of("fake@localhost", 2)),
            "its WELCOME was malformed or out of turn");
}

TEST_F(LinkTest, AnotherNodeAtTheAddressEndsItWithBothNames) {
  EXPECT_THAT(greeted_with(welcome_of("other@localhost", 1)),
              HasSubstr(" is other@localhost, not fake@localhost; check the addresses"));
  EXPECT_EQ(link_.refused_frames(), 0U) << "nothing is wrong with the frame";
}

TEST_F(LinkTest, RepliesBeforeTheWelcomeEndIt) {
  EXPECT_EQ(greeted_with(replies("")), "it sent replies before its WELCOME");
  EXPECT_THAT(events_.replies, IsEmpty());
}

TEST_F(LinkTest, AHelloFromTheOtherSideEndsIt) {
  wire::Buffer frame;
  wire::encode(frame, wire::Hello{});
  EXPECT_EQ(greeted_with(std::string{frame.view()}),
            "it sent a frame of a kind that only the dialling side sends");
}

TEST_F(LinkTest, WhatTheNodeRefusesEndsItWithTheNodesReason) {
  wire::Buffer frame;
  wire::encode(frame, wire::Refused{StatusCode::kProtocolError, "no version in common"});
  EXPECT_EQ(greeted_with(std::string{frame.view()}), "it refused a frame: no version in common");
}

TEST_F(LinkTest, ARefusalWithoutAReasonEndsItToo) {
  EXPECT_EQ(greeted_with("\x01\x07\xc0"), "it refused a frame: without a reason");
}

TEST_F(LinkTest, ASecondWelcomeEndsIt) {
  EXPECT_EQ(told(welcome_of("fake@localhost", 1)), "its WELCOME was malformed or out of turn");
}

TEST_F(LinkTest, AMalformedReplyEndsItBehindTheGoodOnes) {
  EXPECT_EQ(told(replies({"\0\0\0\1\xc0", 5})), "it sent replies that are refused: malformed");
  EXPECT_THAT(events_.replies, ElementsAre(7));
}

TEST_F(LinkTest, ACutReplyEndsItBehindTheGoodOnes) {
  EXPECT_EQ(told(replies({"\0\0", 2})), "it sent replies that are refused: truncated");
  EXPECT_THAT(events_.replies, ElementsAre(7));
}

TEST_F(LinkTest, GoodbyeGivesBackWhatHasNotLeftAndRepliesStillCome) {
  come_up();
  add_request(1);
  add_request(2);
  const std::string goodbye = "\x01\x08";
  send(goodbye);
  send(goodbye);  // says nothing new
  await([&] { return !events_.draining.empty(); });
  EXPECT_EQ(link_.state(), Link::State::kDraining);
  EXPECT_THAT(events_.unsent, ElementsAre(1, 2));
  send(replies(""));
  await([&] { return !events_.replies.empty(); });
  EXPECT_THAT(events_.draining, ElementsAre("it is stopping"));
  EXPECT_THAT(events_.down, IsEmpty());
}

TEST_F(LinkTest, WhoAcceptsButDoesNotAnswerIsGivenUp) {
  node_.silent = true;
  await([&] { return !node_.hellos.empty() && link_.state() == Link::State::kGreeting; });
  link_.tick(now_ + milliseconds{1501});
  EXPECT_THAT(events_.down, ElementsAre("it accepts connections but does not answer"));
}

TEST_F(LinkTest, WhoSaysNothingMoreIsGivenUpButNotForAPauseOfOurOwn) {
  come_up();
  now_ += hours{1};  // we stood still: what was sent meanwhile is unread
  link_.tick(now_);
  EXPECT_THAT(events_.down, IsEmpty());
  for (int i = 0; i < 11; ++i) link_.tick(now_ += milliseconds{100});
  EXPECT_THAT(events_.down, ElementsAre("it was silent for 1000 ms"));
}

TEST_F(LinkTest, NobodyThereIsToldAtOnce) {
  node_.stop();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (events_.down.empty() && std::chrono::steady_clock::now() < until) {
    link_.tick(now_);
    (void)link_.receive(now_, 100);
  }
  EXPECT_THAT(events_.down, ElementsAre("nobody accepts connections there"));
}

}  // namespace
}  // namespace kvmesh::transport
