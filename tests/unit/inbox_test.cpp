// The listening side of the mesh over real sockets: greetings, goodbyes, order, refusals. One
// thread drives the inbox and plays its clients.
#include "node/mesh/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>
#include <zmq.hpp>

#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/core/core.h"

namespace kvmesh::mesh {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::FrameKind;

// The dialling side.
class Dialler {
 public:
  Dialler(zmq::context_t& context, const std::string& endpoint, int receive_frames_max = 0)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, receive_frames_max);
    socket_.connect(endpoint);
  }

  void send(std::string_view frame) {
    ASSERT_TRUE(socket_.send(zmq::buffer(frame.data(), frame.size()), zmq::send_flags::dontwait));
  }
  void say_hello(const wire::Hello& hello = {}) {
    wire::Buffer frame;
    wire::encode(frame, hello);
    send(frame.view());
  }
  // Requests for `function`, numbered from `first` on, in one frame.
  static std::string requests(std::string_view function, std::uint64_t first, std::size_t count) {
    wire::Buffer frame;
    wire::Buffer body;
    wire::begin_frame(frame, FrameKind::kRequests);
    for (std::size_t i = 0; i < count; ++i) {
      const auto request = wire::make_request(body, {}, function,
                                              [](wire::Buffer& out) { wire::pack_array(out, 0); });
      wire::append_request(frame, request, RequestId{first + i}, 60000, nullptr);
    }
    return std::string{frame.view()};
  }
  // Takes the next frame, if there is one; replies go into `replies`, others into `frames`.
  bool look() {
    zmq::message_t message;
    if (!socket_.recv(message, zmq::recv_flags::dontwait)) return false;
    const auto [frame, refusal] = wire::parse_frame(message.to_string_view());
    if (!frame) {
      ADD_FAILURE() << "a frame that is none: " << wire::to_string(refusal);
      return true;
    }
    if (frame->kind != FrameKind::kReplies) {
      frames.push_back(frame->kind);
      content = frame->content;
      return true;
    }
    auto run = frame->content;
    std::optional<wire::Refusal> broken;
    while (const auto record = wire::next_record(run, broken)) {
      const auto reply = wire::decode_reply(*record);
      if (!reply) break;
      replies.push_back(reply->id.value);
      last_code = reply->code;
    }
    EXPECT_FALSE(broken);
    return true;
  }
  std::string refusal() const {
    const auto refused = wire::decode_refused(content);
    return refused ? std::string{refused->text} : "no REFUSED";
  }

  std::vector<FrameKind> frames;       // but REPLIES
  std::string content;                 // of the last of them
  std::vector<std::uint64_t> replies;  // their ids
  StatusCode last_code = StatusCode::kOk;

 private:
  zmq::socket_t socket_;
};

class InboxTest : public testing::Test, protected core::Effects {
 protected:
  InboxTest() {
    functions_.define("test.small", [this](core::Call& call) { execute(call, 0); });
    functions_.define("test.large", [this](core::Call& call) { execute(call, kLargeBytes); });
    functions_.define("test.later", [this](core::Call& call) {
      const auto ticket = call.defer();
      ASSERT_TRUE(ticket);
      later_.push_back(*ticket);
    });
    core_ = std::make_unique<core::Core>(*NodeName::parse("foo@localhost"), std::vector<NodeName>{},
                                         functions_, static_cast<core::Effects&>(*this), now());
    Inbox::Options options;
    options.listen = "tcp://127.0.0.1:*";
    options.self = *NodeName::parse("foo@localhost");
    options.software = "test 1";
    options.adapter = kAdapter;
    inbox_ = std::make_unique<Inbox>(context_, std::move(options), *core_);
    EXPECT_EQ(inbox_->bind("tcp://127.0.0.1:*"), Status{});
  }

  static TimePoint now() { return std::chrono::steady_clock::now(); }

  std::unique_ptr<Dialler> dial(int receive_frames_max = 0) {
    return std::make_unique<Dialler>(context_, inbox_->endpoint(), receive_frames_max);
  }
  std::unique_ptr<Dialler> greeted(int receive_frames_max = 0) {
    auto dialler = dial(receive_frames_max);
    dialler->say_hello();
    pass_until([&] { return !look(*dialler).frames.empty(); });
    EXPECT_THAT(dialler->frames, ElementsAre(FrameKind::kWelcome));
    return dialler;
  }
  static Dialler& look(Dialler& dialler) {
    while (dialler.look()) {
    }
    return dialler;
  }
  void pass() {
    inbox_->notice_frames();
    (void)inbox_->receive(now());
    inbox_->flush();
    (void)inbox_->is_ready();
  }
  // Works until `done`; the test fails when that does not come.
  template <typename Done>
  void pass_until(Done&& done) {
    const auto until = now() + std::chrono::seconds{30};
    while (!done()) {
      pass();
      ASSERT_LT(now(), until) << "it does not come";
    }
  }
  // Why the node refuses what `send` does.
  template <typename Send>
  std::string refusal_of(Dialler& dialler, Send&& send) {
    const auto before = dialler.frames.size();
    send();
    pass_until([&] { return look(dialler).frames.size() > before; });
    if (dialler.frames.size() == before) return "no answer";
    EXPECT_EQ(dialler.frames.back(), FrameKind::kRefused);
    return dialler.refusal();
  }

  static constexpr std::size_t kLargeBytes = 1024 * 1024;

  zmq::context_t context_{1};
  core::FunctionRegistry functions_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<Inbox> inbox_;
  std::vector<std::string> executed_;      // functions, in their order
  std::vector<core::Call::Ticket> later_;  // that are not answered yet

 private:
  static constexpr std::uint32_t kAdapter = 5;

  void execute(core::Call& call, std::size_t bytes) {
    executed_.emplace_back(call.request().function);
    if (bytes > 0) wire::pack_bin(call.result(), std::string(bytes, 'v'));
    call.succeed();
  }
  void forward(PeerIndex, const RequestView&, RequestId, TimePoint,
               const wire::PathStep&) override {
    ADD_FAILURE() << "there is no peer";
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    EXPECT_EQ(origin.adapter, kAdapter);
    inbox_->reply(origin, reply);
  }
  TimePoint clock() override { return now(); }
};

TEST_F(InboxTest, WelcomesWithItsNameAndTheBoundsOfALink) {
  const auto dialler = greeted();
  const auto welcome = wire::decode_welcome(dialler->content);
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->name, "foo@localhost");
  EXPECT_EQ(welcome->software, "test 1");
  EXPECT_EQ(welcome->version, wire::kProtocolVersion);
  EXPECT_EQ(welcome->in_flight_max, limits::kInFlightPerLinkMax);
  EXPECT_EQ(welcome->in_flight_bytes_max, limits::kInFlightBytesPerLinkMax);
}

TEST_F(InboxTest, RefusesWhoSpeaksNoVersionOfOursOrHasOurName) {
  const auto dialler = dial();
  wire::Hello later;
  later.version_min = later.version_max = wire::kProtocolVersion + 1;
  EXPECT_THAT(refusal_of(*dialler, [&] { dialler->say_hello(later); }), HasSubstr("version 1"));
  wire::Hello earlier;
  earlier.version_min = earlier.version_max = 0;
  EXPECT_THAT(refusal_of(*dialler, [&] { dialler->say_hello(earlier); }), HasSubstr("version 1"));
  for (const auto* name : {"foo@localhost", "no name\n"}) {
    wire::Hello hello;
    hello.name = name;
    EXPECT_THAT(refusal_of(*dialler, [&] { dialler->say_hello(hello); }),
                HasSubstr("cannot be a peer of foo@localhost"));
  }
  dialler->say_hello();
  pass_until([&] { return look(*dialler).frames.back() == FrameKind::kWelcome; });
}

TEST_F(InboxTest, NothingIsExecutedBeforeHello) {
  const auto dialler = dial();
  EXPECT_EQ(refusal_of(*dialler, [&] { dialler->send(Dialler::requests("test.small", 1, 1)); }),
            "say HELLO first");
  EXPECT_THAT(executed_, IsEmpty());
}

TEST_F(InboxTest, AnswersAPingWithWhatItCarries) {
  const auto dialler = greeted();
  wire::Buffer ping;
  wire::begin_frame(ping, FrameKind::kPing);
  ping.append("what it carries");
  dialler->send(ping.view());
  pass_until([&] { return look(*dialler).frames.size() == 2; });
  EXPECT_EQ(dialler->frames.back(), FrameKind::kPong);
  EXPECT_EQ(dialler->content, "what it carries");
}

TEST_F(InboxTest, RepliesGoToWhoAskedInTheirOrder) {
  const auto one = greeted();
  const auto two = greeted();
  one->send(Dialler::requests("test.small", 10, 40));
  two->send(Dialler::requests("test.later", 7, 1));
  pass_until([&] { return look(*one).replies.size() == 40 && later_.size() == 1; });
  for (std::uint64_t i = 0; i < 40; ++i) EXPECT_EQ(one->replies[i], 10 + i);
  EXPECT_THAT(look(*two).replies, IsEmpty());
  core_->complete(later_[0], {}, {});
  pass_until([&] { return !look(*two).replies.empty(); });
  EXPECT_THAT(two->replies, ElementsAre(7));
}

TEST_F(InboxTest, WhatStandsBeforeABrokenRecordIsExecutedAndAnswered) {
  const auto dialler = greeted();
  EXPECT_EQ(refusal_of(*dialler,
                       [&] {
                         dialler->send(Dialler::requests("test.small", 1, 2) +
                                       std::string("\0\0\0\1\xc0", 5));
                       }),
            "a request record is broken; it and what follows it was not executed");
  pass_until([&] { return look(*dialler).replies.size() == 2; });
}

// PROTOCOL 1.5: requests of one connection for one bucket are executed in their order.
TEST_F(InboxTest, WhatIsSentLaterWaitsBehindWhatIsHeld) {
  const auto slow = greeted(1);
  slow->send(Dialler::requests("test.large", 1, 120));
  pass_until([&] { return !executed_.empty(); });
  ASSERT_LT(executed_.size(), 120U) << "nothing is held: its replies are unread";
  std::uint64_t next = 1000;
  // One large reply is read, so that there is room, and one small request is sent.
  for (int i = 0; i < 100; ++i) {
    pass_until([&] { return slow->look(); });
    slow->send(Dialler::requests("test.small", next++, 1));
    pass();
  }
  pass_until([&] { return look(*slow).replies.size() == 220; });
  ASSERT_EQ(executed_.size(), 220U);
  for (std::size_t i = 0; i < executed_.size(); ++i) {
    ASSERT_EQ(executed_[i], i < 120 ? "test.large" : "test.small") << "the one number " << i;
  }
}

TEST_F(InboxTest, GoodbyeGoesToAllAndToThoseWhoComeLater) {
  const auto early = greeted();
  early->send(Dialler::requests("test.later", 1, 1));
  pass_until([&] { return later_.size() == 1; });
  inbox_->stop(now());
  pass_until([&] { return look(*early).frames.size() == 2; });
  EXPECT_EQ(early->frames.back(), FrameKind::kGoodbye);
  const auto late = dial();
  late->say_hello();
  pass_until([&] { return look(*late).frames.size() == 2; });
  EXPECT_THAT(late->frames, ElementsAre(FrameKind::kWelcome, FrameKind::kGoodbye));
  // What was under way is still executed and answered.
  early->send(Dialler::requests("test.small", 2, 1));
  core_->complete(later_[0], {}, {});
  pass_until([&] { return look(*early).replies.size() == 2; });
}

TEST_F(InboxTest, AfterAPauseNothingThatWasSentBeforeIsExecuted) {
  const auto dialler = greeted();
  dialler->send(Dialler::requests("test.later", 1, 1));
  pass_until([&] { return later_.size() == 1; });
  inbox_->on_pause();
  EXPECT_EQ(inbox_->counters().clients.load(), 0U);
  EXPECT_EQ(refusal_of(*dialler, [&] { dialler->send(Dialler::requests("test.small", 2, 1)); }),
            "say HELLO first");
  EXPECT_THAT(executed_, IsEmpty());
  core_->complete(later_[0], {}, {});
  EXPECT_EQ(inbox_->counters().dropped_replies.value(), 1U);
  dialler->say_hello();
  pass_until([&] { return look(*dialler).frames.back() == FrameKind::kWelcome; });
  EXPECT_THAT(dialler->replies, IsEmpty()) << "it was told long ago that the outcome is unknown";
}

TEST_F(InboxTest, ASecondHelloKeepsTheReplies) {
  const auto dialler = greeted();
  dialler->send(Dialler::requests("test.later", 1, 1));
  pass_until([&] { return later_.size() == 1; });
  dialler->say_hello();
  pass_until([&] { return look(*dialler).frames.size() == 2; });
  core_->complete(later_[0], {}, {});
  pass_until([&] { return !look(*dialler).replies.empty(); });
  EXPECT_THAT(dialler->replies, ElementsAre(1));
}

TEST_F(InboxTest, AnAddressThatIsTakenIsToldWithWhatToDo) {
  Inbox other{
      context_, {inbox_->endpoint(), *NodeName::parse("bar@localhost"), "test 1", 0, {}}, *core_};
  const auto taken = other.bind(inbox_->endpoint());
  EXPECT_EQ(taken.code(), StatusCode::kUnavailable);
  EXPECT_THAT(taken.text(), HasSubstr("another process listens there"));
}

}  // namespace
}  // namespace kvmesh::mesh
