// How a link ends and comes back: what had arrived before is told, pauses grow and shrink, life is
// asked for in time. The clock is the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/transport/link.h"
#include "common/wire/pack.h"
#include "tests/unit/fake_node.h"

namespace kvmesh::transport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::FakeNode;
using testing::ElementsAre;

// What the link tells, in its order.
class Told final : public LinkEvents {
 public:
  void on_up(Link&, const wire::Welcome& welcome) override {
    ++ups;
    window = welcome.in_flight_max;
  }
  void on_reply(Link&, const ReplyView& reply) override {
    all.push_back("reply " + std::to_string(reply.id.value));
  }
  void on_draining(Link&, const std::string&) override { all.emplace_back("draining"); }
  void on_expired(Link&, RequestId) override {}
  void on_unsent(Link&, RequestId id) override {
    all.push_back("unsent " + std::to_string(id.value));
  }
  void on_down(Link&, const std::string&) override {
    ++downs;
    all.emplace_back("down");
  }

  int ups = 0;
  int downs = 0;
  std::uint64_t window = 0;
  std::vector<std::string> all;
};

class LinkEnds : public testing::Test {
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
    const auto before = told_.ups;
    await([&] { return told_.ups > before; });
    ASSERT_EQ(link_.state(), Link::State::kUp);
  }
  void add_request(std::uint64_t id) {
    const auto request = wire::make_request(body_, {}, "node.ping",
                                            [](wire::Buffer& out) { wire::pack_array(out, 0); });
    link_.add_request(request, RequestId{id},
                      deadline_after(std::chrono::steady_clock::now(), 60000), nullptr);
  }
  // Sends so many requests, one frame each, and lets the node have them.
  void send_requests(std::size_t count) {
    for (std::size_t id = 1; id <= count; ++id) {
      add_request(id);
      link_.flush();
    }
    ASSERT_TRUE(node_.await_requests(count));
  }
  // Without the link looking.
  static void await_readable(int descriptor) {
    pollfd waited{descriptor, POLLIN, 0};
    ASSERT_EQ(poll(&waited, 1, 10000), 1);
  }
  void await_news_of_the_loss() {
    await_readable(link_.monitor_fd());
    link_.notice_events();
    link_.notice_frames();
  }
  // Tries to connect while nobody is there, and fails.
  void fail() {
    const auto before = told_.downs;
    now_ += kReconnectMax;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (told_.downs == before && std::chrono::steady_clock::now() < until) {
      link_.tick(now_);
      (void)link_.receive(now_, 100);
    }
    ASSERT_EQ(told_.downs, before + 1);
  }
  bool tries_again_after(milliseconds time) {
    link_.tick(now_ + time);
    return link_.state() != Link::State::kWaiting;
  }

  static constexpr milliseconds kReconnectMin{100};
  static constexpr milliseconds kReconnectMax{1600};

  FakeNode node_;
  zmq::context_t context_{1};
  Told told_;
  wire::Buffer body_;
  TimePoint now_ = TimePoint{} + hours{1};
  Link link_{context_,
             {.endpoint = node_.endpoint(),
              .self = {},
              .peer = *NodeName::parse("fake@localhost"),
              .software = "test",
              .table_epoch = {},
              .reconnect_min = kReconnectMin,
              .reconnect_max = kReconnectMax},
             told_};
};

// What a node has answered before it died was executed for certain, and is told as that.
TEST_F(LinkEnds, RepliesThatHadArrivedBeforeTheLossAreTold) {
  come_up();
  send_requests(5);
  for (const auto& request : node_.requests) node_.answer(request);
  node_.stop_when_sent();
  await_news_of_the_loss();
  // However few frames it is to read at once; nothing more is sent meanwhile.
  for (int i = 0; i < 6 && told_.downs == 0; ++i) (void)link_.receive(now_, 1);
  EXPECT_THAT(told_.all, ElementsAre("reply 1", "draining", "reply 2", "reply 3", "reply 4",
                                     "reply 5", "down"));
}

TEST_F(LinkEnds, OneThatItsOwnerEndsTellsTheSame) {
  link_.end("nothing has begun");
  EXPECT_THAT(told_.all, ElementsAre());
  come_up();
  send_requests(1);
  add_request(2);
  add_request(3);
  link_.end("nobody wants it any more");
  EXPECT_THAT(told_.all, ElementsAre("unsent 2", "unsent 3", "down"));
  EXPECT_EQ(link_.state(), Link::State::kWaiting);
  link_.end("again");
  EXPECT_EQ(told_.downs, 1);
}

TEST_F(LinkEnds, WhatHasNotLeftIsToldAsUnsentBeforeTheEnd) {
  come_up();
  add_request(1);
  add_request(2);
  node_.stop_when_sent();
  await_news_of_the_loss();
  (void)link_.receive(now_, 1);
  EXPECT_THAT(told_.all, ElementsAre("unsent 1", "unsent 2", "down"));
}

TEST_F(LinkEnds, GoodbyeLeavesTheConnectionUntilItsEnd) {
  come_up();
  send_requests(1);
  node_.send(node_.hellos.back(), "\x01\x08");
  node_.answer(node_.requests[0]);
  node_.stop_when_sent();
  await([&] { return told_.downs > 0; });
  EXPECT_THAT(told_.all, ElementsAre("draining", "reply 1", "down"));
}

TEST_F(LinkEnds, OneFrameAtATimeWhenNoMoreIsAskedFor) {
  come_up();
  send_requests(3);
  for (const auto& request : node_.requests) node_.answer(request);
  await_readable(link_.fd());
  link_.notice_frames();
  EXPECT_TRUE(link_.receive(now_, 1)) << "there may be more";
  EXPECT_THAT(told_.all, ElementsAre("reply 1"));
  await([&] { return told_.all.size() == 3; });
}

// A mesh whose nodes all came back at once, again and again, would be kept from coming up.
TEST_F(LinkEnds, PausesGrowToTheirMostAndBeginAnewAfterAnAnswer) {
  node_.stop();
  fail();
  EXPECT_FALSE(tries_again_after(kReconnectMin / 2 - milliseconds{1}));
  fail();
  fail();
  EXPECT_FALSE(tries_again_after(2 * kReconnectMin - milliseconds{1})) << "the pauses do not grow";
  for (int i = 0; i < 6; ++i) fail();
  EXPECT_FALSE(tries_again_after(kReconnectMax / 2 - milliseconds{1})) << "shorter than half of it";
  EXPECT_TRUE(tries_again_after(kReconnectMax)) << "the pauses grow beyond their most";
  now_ += kReconnectMax;
  await([&] { return link_.state() == Link::State::kWaiting; });

  node_.start();
  now_ += kReconnectMax;
  come_up();
  node_.stop();
  const auto before = told_.downs;
  await([&] { return told_.downs > before; });
  EXPECT_TRUE(tries_again_after(kReconnectMin))
      << "it was up: the first pause is a short one again";
}

TEST_F(LinkEnds, ConnectingAloneDoesNotShortenThePause) {
  node_.stop();
  for (int i = 0; i < 6; ++i) fail();
  node_.greeting = "x";  // it answers, but wrongly
  node_.start();
  now_ += kReconnectMax;
  const auto before = told_.downs;
  await([&] { return told_.downs > before; });
  EXPECT_FALSE(tries_again_after(kReconnectMax / 2 - milliseconds{1}));
}

TEST_F(LinkEnds, ASilentNodeIsPingedOnceAnIntervalAndLivesWhenItAnswers) {
  come_up();
  for (std::size_t pings = 1; pings <= 6; ++pings) {  // 1.5 s: longer than the silence allowed
    link_.tick(now_ += milliseconds{249});
    link_.tick(now_ += milliseconds{1});
    link_.tick(now_);
    // What was sent before the request is answered before it.
    add_request(pings);
    link_.flush();
    ASSERT_TRUE(node_.await_requests(pings));
    EXPECT_EQ(node_.pings.size(), pings) << "one an interval";
    node_.answer(node_.requests.back());
    ASSERT_TRUE(node_.await([&] {
      link_.notice_frames();
      (void)link_.receive(now_, 100);
      return told_.all.size() == pings;
    }));
  }
  EXPECT_EQ(told_.downs, 0);
}

TEST_F(LinkEnds, TheWindowIsThatOfTheWelcome) {
  node_.welcome.in_flight_max = 7;
  come_up();
  EXPECT_EQ(told_.window, 7U);
}

}  // namespace
}  // namespace kvmesh::transport
