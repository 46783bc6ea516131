#include "node/mesh/inbox.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <zmq.hpp>

#include "common/wire/frame.h"
#include "common/wire/record.h"
#include "node/core/core.h"

namespace kvmesh::mesh {
namespace {

using std::chrono::milliseconds;

TimePoint clock_is() { return std::chrono::steady_clock::now(); }

// A client that the test sends for, frame by frame.
class Dialler {
 public:
  Dialler(zmq::context_t& context, const std::string& endpoint)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.connect(endpoint);
  }
  void send(const wire::Buffer& frame, zmq::send_flags flags = zmq::send_flags::none) {
    EXPECT_TRUE(socket_.send(zmq::const_buffer{frame.view().data(), frame.size()}, flags));
  }
  void send_part() { socket_.send(zmq::const_buffer{"", 0}, zmq::send_flags::sndmore); }
  // The next frame that is here.
  std::optional<std::string> receive() {
    zmq::message_t message;
    if (!socket_.recv(message, zmq::recv_flags::dontwait)) return std::nullopt;
    return message.to_string();
  }

 private:
  zmq::socket_t socket_;
};

wire::Buffer hello_frame() {
  wire::Buffer frame;
  wire::encode(frame, wire::Hello{});
  return frame;
}

wire::Buffer ping_frame() {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kPing);
  return frame;
}

// Requests with the ids from `first` on.
wire::Buffer requests_frame(std::string_view function, std::uint64_t first, std::uint64_t count) {
  wire::Buffer body;
  body.push_back('\xc0');  // nil: the node that gets it
  body.push_back(static_cast<char>(0xa0 + function.size()));
  body.append(function);
  body.push_back('\x90');
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kRequests);
  RequestView request;
  request.body = body.view();
  for (auto id = first; id < first + count; ++id) {
    wire::append_request(frame, request, RequestId{id}, 60000, nullptr);
  }
  return frame;
}

class InboxTurnsTest : public testing::Test, private core::Effects {
 protected:
  InboxTurnsTest() {
    modules_.define(
        "test.slow", [this](core::Call& call) { work(call, milliseconds{3}); }, core::Cost::kMuch);
    modules_.define("test.quick", [this](core::Call& call) { work(call, milliseconds{0}); });
    EXPECT_TRUE(inbox_.bind("tcp://127.0.0.1:*").ok());
  }

  void work(core::Call& call, milliseconds time) {
    done_.push_back(call.request().id.value);
    for (const auto until = clock_is() + time; clock_is() < until;) {
    }
    call.succeed();
  }
  void pass() {
    inbox_.notice_frames();
    (void)inbox_.receive(clock_is());
    inbox_.flush();
  }
  // Passes until the next frame of this kind comes.
  std::string expect(Dialler& dialler, wire::FrameKind kind) {
    for (const auto until = clock_is() + std::chrono::seconds{60}; clock_is() < until;) {
      while (auto frame = dialler.receive()) {
        if (frame->at(1) == static_cast<char>(kind)) return *frame;
      }
      pass();
    }
    ADD_FAILURE() << "no frame of kind " << static_cast<int>(kind);
    return {};
  }
  Dialler greeted() {
    Dialler dialler{context_, inbox_.endpoint()};
    dialler.send(hello_frame());
    expect(dialler, wire::FrameKind::kWelcome);
    return dialler;
  }

  zmq::context_t context_;
  core::FunctionRegistry modules_;
  core::Core core_{*NodeName::parse("foo@localhost"), {}, modules_, *this, clock_is()};
  Inbox inbox_{
      context_, {"tcp://127.0.0.1:*", *NodeName::parse("foo@localhost"), "test", 0, {}}, core_};
  std::vector<std::uint64_t> done_;  // ids, in the order of their execution

 private:
  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId /*id*/,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {}
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    inbox_.reply(origin, reply);
  }
  TimePoint clock() override { return clock_is(); }
};

TEST_F(InboxTurnsTest, CostlyRequestsOfOneFrameWaitForTheirTurns) {
  auto greedy = greeted();
  auto other = greeted();
  greedy.send(requests_frame("test.slow", 1, 200));
  while (done_.empty()) pass();
  other.send(requests_frame("test.quick", 1000, 1));
  expect(other, wire::FrameKind::kReplies);
  EXPECT_LT(done_.size(), 201U) << "the other need not wait for all of them";
  while (done_.size() < 201) pass();
  std::erase(done_, 1000U);
  for (std::uint64_t i = 0; i < 200; ++i) EXPECT_EQ(done_[i], i + 1);
}

TEST_F(InboxTurnsTest, APassExecutesFewCostlyRequests) {
  auto greedy = greeted();
  for (int i = 0; i < 20; ++i) greedy.send(requests_frame("test.slow", 1, 16));
  for (std::size_t before = 0; done_.size() < 320; before = done_.size()) {
    pass();
    ASSERT_LE(done_.size() - before, 3U) << "one as it is read, one that was held, one to spare";
  }
}

TEST_F(InboxTurnsTest, PingsAreAnsweredBeforeWhatIsHeld) {
  auto greedy = greeted();
  greedy.send(requests_frame("test.slow", 1, 200));
  greedy.send(ping_frame());
  expect(greedy, wire::FrameKind::kPong);
  EXPECT_LT(done_.size(), 200U);
}

TEST_F(InboxTurnsTest, AFrameDoesNotOvertakeWhatIsHeld) {
  auto client = greeted();
  client.send(requests_frame("test.slow", 1, 5));
  client.send(requests_frame("test.quick", 6, 5));
  while (done_.size() < 10) pass();
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(done_[i], i + 1);
}

TEST_F(InboxTurnsTest, ConnectionsTakeTurns) {
  auto first = greeted();
  auto second = greeted();
  first.send(requests_frame("test.slow", 1, 200));
  while (done_.empty()) pass();
  second.send(requests_frame("test.slow", 1001, 40));
  while (done_.size() < 240) pass();
  const auto last_of_first = std::ranges::find(done_, 200U) - done_.begin();
  const auto first_of_second = std::ranges::find(done_, 1001U) - done_.begin();
  EXPECT_LT(first_of_second, last_of_first);
}

TEST_F(InboxTurnsTest, AMessageOfAHundredThousandPartsIsPassedOverInPieces) {
  auto client = greeted();
  auto other = greeted();
  for (int i = 0; i < 100'000; ++i) client.send_part();
  client.send(ping_frame());
  client.send(requests_frame("test.quick", 1, 1));
  int passes = 0;
  while (done_.empty()) {
    pass();
    const auto& refused = inbox_.counters().refused;
    const auto multipart = refused[static_cast<std::size_t>(wire::Refusal::kMultipart)].value();
    if (multipart == 0) ++passes;
  }
  EXPECT_GT(passes, 100'000 / (64 * 256));
  expect(client, wire::FrameKind::kReplies);
}

}  // namespace
}  // namespace kvmesh::mesh
