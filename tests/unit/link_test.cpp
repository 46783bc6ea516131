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
  void on_expired(Link&, RequestId id) override { expired.push_back(id.value); }
  void on_unsent(Link&, RequestId id) override { unsent.push_back(id.value); }
  void on_down(Link&, const std::string& why) override { down.push_back(why); }

  std::vector<std::string> up, draining, down;
  std::vector<std::uint64_t> replies, unsent, expired;
};

class LinkTest : public testing::Test {
 protected:
  LinkTest() { now_ = TimePoint{} + hours{1}; }

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
  void add_request(std::uint64_t id, std::size_t bytes = 0,
                   milliseconds time = milliseconds{5000}) {
    const auto request = wire::make_request(body_, {}, "node.ping", [&](wire::Buffer& out) {
      wire::pack_array(out, 1);
      wire::pack_bin(out, std::string(bytes, 'x'));
    });
    link_.add_request(request, RequestId{id}, now_ + time, nullptr);
  }
  static std::string welcome_of(std::string_view name, std::uint64_t version) {
    wire::Welcome welcome;
    welcome.name = name;
    welcome.version = version;
    wire::Buffer frame;
    wire::encode(frame, welcome);
    return std::string{frame.view()};
  }
  static std::string replies(std::string_view rest, std::size_t bytes = 0) {
    wire::Buffer result;
    wire::pack_bin(result, std::string(bytes, 'v'));
    ReplyView reply;
    reply.result = result.view();
    wire::Buffer frame;
    wire::begin_frame(frame, wire::FrameKind::kReplies);
    wire::append_reply(frame, reply, RequestId{7});
    return std::string{frame.view()} + std::string{rest};
  }

  FakeNode node_;
  zmq::context_t context_{1};
  Recorder events_;
  wire::Buffer body_;
  static inline TimePoint now_;
  Link link_{context_,
             {.endpoint = node_.endpoint(),
              .self = {},
              .peer = *NodeName::parse("fake@localhost"),
              .software = "test",
              .table_epoch = {},
              .reconnect_min = hours{1},
              .reconnect_max = hours{1},
              .clock = [] { return now_; }},
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

// Each of its ticks comes late, so each could be taken for a pause of our own.
TEST_F(LinkTest, WhoSaysNothingMoreIsGivenUpByAThreadThatIsAlwaysLateToo) {
  come_up();
  int ticks = 0;
  while (events_.down.empty() && ++ticks < 100) link_.tick(now_ += milliseconds{700});
  EXPECT_THAT(events_.down, ElementsAre("it was silent for 1000 ms"));
  EXPECT_LE(ticks, 6);
}

TEST_F(LinkTest, ARequestLeavesWithWhatIsLeftOfItsTimeThen) {
  come_up();
  add_request(1);
  now_ += milliseconds{1200};
  link_.flush();
  await([&] { return node_.requests.size() == 1; });
  EXPECT_EQ(node_.requests[0].timeout_ms, 3800U);
  EXPECT_EQ(node_.clocks.size(), 1U);
  EXPECT_THAT(node_.stamps, IsEmpty()) << "an earlier version would refuse them";
}

TEST_F(LinkTest, WhatIsOverDoesNotLeaveAndIsTold) {
  come_up();
  add_request(1, 0, milliseconds{10});
  add_request(2);
  add_request(3, 0, milliseconds{15});
  EXPECT_EQ(link_.unsent().requests, 3U);
  now_ += milliseconds{20};
  link_.flush();
  EXPECT_THAT(events_.expired, ElementsAre(1, 3));
  EXPECT_EQ(link_.unsent().requests, 0U);
  EXPECT_EQ(link_.unsent().bytes, 0U);
  await([&] { return !node_.requests.empty(); });
  EXPECT_EQ(node_.requests[0].id, 2U);
}

TEST_F(LinkTest, ATickTellsWhatIsOverWithoutAFlush) {
  come_up();
  add_request(1, 0, milliseconds{10});
  link_.tick(now_ += milliseconds{20});
  EXPECT_THAT(events_.expired, ElementsAre(1));
  EXPECT_EQ(link_.unsent().bytes, 0U);
}

// Large frames wait here, where they can expire, and not in the socket's queue of 64.
TEST_F(LinkTest, TheSocketIsGivenLittleAtATime) {
  come_up();
  constexpr std::size_t kBytes = 1'900'000;
  constexpr std::size_t kRequests = 40;
  for (std::size_t id = 1; id <= kRequests; ++id) add_request(id, kBytes, milliseconds{100});
  const auto unsent = link_.unsent();
  now_ += milliseconds{200};
  link_.tick(now_);
  const auto left = kRequests - events_.expired.size();
  EXPECT_EQ(link_.unsent().requests, 0U);
  EXPECT_LE(link_.unsent().bytes, 1024 * 1024 + kBytes + 1000);
  await([&] { return node_.requests.size() == left && link_.unsent().bytes == 0; });
  EXPECT_LE(unsent.bytes, kRequests * (kBytes + 1000));
}

TEST_F(LinkTest, FramesAreStampedForAPeerThatTakesStamps) {
  node_.welcome.takes_timed = true;
  come_up();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    add_request(id);
    link_.flush();
  }
  await([&] { return node_.requests.size() == 3; });
  ASSERT_EQ(node_.stamps.size(), 3U);
  EXPECT_GT(node_.clocks[0], 0U);
  EXPECT_LE(node_.clocks[0], node_.stamps[0]);
  EXPECT_LE(node_.stamps[0], node_.stamps[1]);
  EXPECT_LE(node_.stamps[1], node_.stamps[2]);
}

// Its PING cannot have been under way for longer than until its answer came.
TEST_F(LinkTest, APeerWhoseIdeaOfTheClockIsWrongIsGreetedAgain) {
  node_.welcome.takes_timed = true;
  come_up();
  node_.pong_age_us = 0;
  now_ += milliseconds{300};
  await([&] { return !node_.pings.empty(); });
  EXPECT_EQ(node_.pings[0].size(), 8U);
  node_.pong_age_us = 3'600'000'000;
  now_ += milliseconds{300};
  await([&] { return node_.hellos.size() == 2; });
  node_.pong_age_us = 0;
  now_ += milliseconds{300};
  const auto pings = node_.pings.size();
  await([&] { return node_.pings.size() > pings; });
  add_request(1);
  link_.flush();
  await([&] { return !node_.requests.empty(); });
  EXPECT_EQ(node_.hellos.size(), 2U);
  EXPECT_GE(node_.clocks[1], node_.clocks[0]);
  EXPECT_THAT(events_.up, ElementsAre("fake@localhost")) << "the second WELCOME changes nothing";
  EXPECT_THAT(events_.down, IsEmpty());
}

TEST_F(LinkTest, APeerIsToldWhatWasReadOfItsReplies) {
  node_.welcome.takes_timed = true;
  come_up();
  const auto frame = replies("", 700'000);
  for (int i = 0; i < 4; ++i) send(frame);
  await([&] { return node_.read_bytes >= 2 * frame.size(); });
  EXPECT_EQ(node_.read_bytes % frame.size(), 0U);
}

TEST_F(LinkTest, RepliesAreReceivedAMebibyteAtATime) {
  come_up();
  for (int i = 0; i < 10; ++i) send(replies("", 500'000));
  std::size_t most = 0;
  await([&] {
    link_.notice_frames();
    const auto before = events_.replies.size();
    (void)link_.receive(now_, 100);
    most = std::max(most, events_.replies.size() - before);
    return events_.replies.size() >= 10;
  });
  EXPECT_LE(most, 3U);
}

TEST_F(LinkTest, RepliesAreReceivedUntilTheTimeIsOverAndOneAtLeast) {
  come_up();
  for (int i = 0; i < 10; ++i) send(replies(""));
  std::size_t most = 0;
  ASSERT_TRUE(node_.await([&] {
    link_.notice_frames();
    const auto before = events_.replies.size();
    (void)link_.receive(now_, 100, now_);
    most = std::max(most, events_.replies.size() - before);
    return events_.replies.size() == 10;
  }));
  EXPECT_EQ(most, 1U);
}

// However much has arrived before the end, all of it is read, and in many goes.
TEST_F(LinkTest, RepliesThatCameBeforeTheEndAreRead) {
  come_up();
  add_request(1);
  for (int i = 0; i < 10; ++i) send(replies(""));
  add_request(2);
  await([&] { return !events_.replies.empty(); });
  node_.stop_when_sent();
  ASSERT_TRUE(node_.await([&] {
    link_.tick(now_);
    (void)link_.receive(now_, 1);
    return !events_.down.empty();
  }));
  EXPECT_EQ(events_.replies.size(), 10U);
  EXPECT_THAT(events_.unsent, ElementsAre(1, 2));
  EXPECT_THAT(events_.down, ElementsAre("the other side closed it, or it was lost"));
}

TEST_F(LinkTest, NobodyThereIsToldAtOnce) {
  node_.stop();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (events_.down.empty() && std::chrono::steady_clock::now() < until) {
    link_.tick(now_);
    (void)link_.receive(now_, 100);
  }
  EXPECT_THAT(events_.down, ElementsAre("connection refused"));
}

}  // namespace
}  // namespace kvmesh::transport
