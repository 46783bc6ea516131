#include "node/mesh/doorkeeper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <kvmesh/limits.h>

namespace kvmesh::mesh {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A descriptor that ends with the test.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) { EXPECT_GE(fd, 0); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

sockaddr* any(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

// A port like the inbox's, where the test plays libzmq: it accepts, takes bytes out of sockets and
// delivers them as frames, or does not.
class DoorkeeperTest : public testing::Test {
 protected:
  struct Pair {
    Fd theirs;
    Fd ours;
  };

  DoorkeeperTest() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), any(address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 16), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(listener_.get(), any(address), &size), 0);
    address_ = address;
    keeper_.open("tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    look();
  }

  Pair dial() {
    Fd theirs{socket(AF_INET, SOCK_STREAM, 0)};
    EXPECT_EQ(connect(theirs.get(), any(address_), sizeof address_), 0);
    return {std::move(theirs), Fd{accept(listener_.get(), nullptr, nullptr)}};
  }
  Pair dial_and_greet() {
    auto pair = dial();
    keeper_.greeted(pair.ours.get(), now_);
    return pair;
  }
  // Sends so many bytes, which are taken out at the other end.
  static void pass(const Pair& pair, std::size_t bytes) {
    std::vector<char> buffer(64 * 1024);
    for (std::size_t left = bytes; left > 0;) {
      const auto part = std::min(left, buffer.size());
      ASSERT_EQ(send(pair.theirs.get(), buffer.data(), part, MSG_NOSIGNAL),
                static_cast<ssize_t>(part));
      for (std::size_t got = 0; got < part;) {
        const auto count = recv(pair.ours.get(), buffer.data(), part - got, 0);
        ASSERT_GT(count, 0);
        got += static_cast<std::size_t>(count);
      }
      left -= part;
    }
  }
  // One frame, whole, and what ZMTP puts before it.
  void pass_frame(const Pair& pair, std::size_t bytes) {
    pass(pair, bytes + 9);
    keeper_.delivered(pair.ours.get(), bytes);
  }
  std::vector<Doorkeeper::Ended> look(Doorkeeper::Situation situation = {true, false}) {
    now_ += milliseconds{20};
    return keeper_.look(now_, situation);
  }
  // Twice, for what is taken is compared with what is delivered later.
  std::vector<Doorkeeper::Why> judge(Doorkeeper::Situation situation = {true, false}) {
    std::vector<Doorkeeper::Why> out;
    for (int i = 0; i < 2; ++i) {
      for (const auto& ended : look(situation)) out.push_back(ended.why);
    }
    return out;
  }
  static bool is_ended(const Pair& pair) {
    pollfd poll_it{pair.theirs.get(), POLLIN, 0};
    char byte = 0;
    return poll(&poll_it, 1, 0) == 1 && recv(pair.theirs.get(), &byte, 1, 0) <= 0;
  }

  using Whys = std::vector<Doorkeeper::Why>;

  TimePoint now_{std::chrono::hours{1}};
  Fd listener_;
  sockaddr_in address_{};
  Doorkeeper keeper_;
};

TEST_F(DoorkeeperTest, WhatCurveAddsToFramesIsNotKept) {
  constexpr std::size_t kFrames = 200'000;
  constexpr std::size_t kBytes = 10;
  keeper_.expect_keys();
  const auto client = dial_and_greet();
  EXPECT_EQ(judge(), Whys{});
  pass(client, kFrames * (2 + kBytes + 33));  // more than six mebibytes beside what comes out
  for (std::size_t i = 0; i < kFrames; ++i) keeper_.delivered(client.ours.get(), kBytes);
  EXPECT_EQ(judge(), Whys{});
  pass(client, 6 * 1024 * 1024);
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kUnfinished});
}

TEST_F(DoorkeeperTest, WhoSaysNoHelloIsEnded) {
  const auto silent = dial();
  const auto good = dial_and_greet();
  EXPECT_EQ(judge(), Whys{});
  now_ += Doorkeeper::kHelloTimeMax;
  EXPECT_EQ(judge({false, false}), Whys{}) << "its HELLO may be among what is unread";
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kNoHello});
  EXPECT_TRUE(is_ended(silent));
  EXPECT_FALSE(is_ended(good));
}

TEST_F(DoorkeeperTest, WhoSaysNoHelloHasLessTimeWhenThereAreNoDescriptors) {
  const auto silent = dial();
  EXPECT_EQ(judge(), Whys{});
  now_ += seconds{1};
  EXPECT_EQ(judge(), Whys{});
  EXPECT_EQ(judge({true, true}), Whys{Doorkeeper::Why::kNoHello});
}

TEST_F(DoorkeeperTest, AStrangerMayNotSendMuch) {
  const auto stranger = dial();
  EXPECT_EQ(judge(), Whys{});
  pass(stranger, Doorkeeper::kStrangerBytesMax + 1024);
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kNoHello});
  EXPECT_TRUE(is_ended(stranger));
}

TEST_F(DoorkeeperTest, AMessageWithoutAnEndIsNotKept) {
  const auto hoarder = dial_and_greet();
  const auto good = dial_and_greet();
  pass(hoarder, limits::kFrameBytesMax);
  EXPECT_EQ(judge(), Whys{}) << "as long as the longest frame";
  pass(hoarder, 2 * 1024 * 1024);
  for (int i = 0; i < 10; ++i) pass_frame(good, limits::kFrameBytesMax);
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kUnfinished});
  EXPECT_TRUE(is_ended(hoarder));
  EXPECT_FALSE(is_ended(good));
}

TEST_F(DoorkeeperTest, FramesThatWereDeliveredEarlierAreNoCredit) {
  const auto hoarder = dial_and_greet();
  for (int i = 0; i < 100; ++i) {
    pass_frame(hoarder, limits::kFrameBytesMax);
    EXPECT_EQ(judge(), Whys{});
  }
  pass(hoarder, limits::kFrameBytesMax + 2 * 1024 * 1024);
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kUnfinished});
}

TEST_F(DoorkeeperTest, LateFramesOfAnEarlierConnectionAreNoCredit) {
  auto first = dial_and_greet();
  const auto number = first.ours.get();
  EXPECT_EQ(judge(), Whys{});
  Fd theirs{socket(AF_INET, SOCK_STREAM, 0)};
  first.ours.reset();
  ASSERT_EQ(connect(theirs.get(), any(address_), sizeof address_), 0);
  const Pair second{std::move(theirs), Fd{accept(listener_.get(), nullptr, nullptr)}};
  ASSERT_EQ(second.ours.get(), number);
  keeper_.greeted(number, now_);
  keeper_.delivered(second.ours.get(), 50 * 1024 * 1024);
  EXPECT_EQ(judge(), Whys{});
  pass(second, limits::kFrameBytesMax + 2 * 1024 * 1024);
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kUnfinished});
}

TEST_F(DoorkeeperTest, AnUnfinishedFrameHasHalfAMinute) {
  const auto slow = dial_and_greet();
  pass(slow, 1024 * 1024);
  EXPECT_EQ(judge(), Whys{});
  now_ += seconds{25};
  EXPECT_EQ(judge(), Whys{});
  keeper_.delivered(slow.ours.get(), 1024 * 1024 - 9);
  pass(slow, 1024 * 1024);
  EXPECT_EQ(judge(), Whys{}) << "it came to its end, and another began";
  now_ += seconds{25};
  EXPECT_EQ(judge(), Whys{});
  now_ += seconds{6};
  EXPECT_EQ(judge(), Whys{Doorkeeper::Why::kUnfinished});
}

TEST_F(DoorkeeperTest, PingsOfZmtpDoNotAddUp) {
  const auto quiet = dial_and_greet();
  for (int i = 0; i < 2000; ++i) {  // eight hours of twenty bytes a second
    now_ += seconds{15};
    pass(quiet, 300);
    ASSERT_EQ(judge(), Whys{});
  }
}

TEST_F(DoorkeeperTest, WhoKeepsToItsWindowMayHaveItUnread) {
  const auto good = dial_and_greet();
  pass(good, limits::kInFlightBytesPerLinkMax);
  EXPECT_EQ(judge({false, false}), Whys{});
  pass(good, 16 * 1024 * 1024);
  EXPECT_EQ(judge({false, false}), Whys{Doorkeeper::Why::kUnread});
}

TEST_F(DoorkeeperTest, WhoIsSilentMustGoOnlyWhenThereAreNoDescriptors) {
  const auto silent = dial_and_greet();
  const auto good = dial_and_greet();
  EXPECT_EQ(judge(), Whys{});
  now_ += seconds{60};
  pass_frame(good, 10);
  EXPECT_EQ(judge(), Whys{});
  EXPECT_EQ(judge({true, true}), Whys{Doorkeeper::Why::kSilent});
  EXPECT_TRUE(is_ended(silent));
  EXPECT_FALSE(is_ended(good));
}

TEST_F(DoorkeeperTest, OtherSocketsOfTheProcessAreNotItsBusiness) {
  const Fd other{socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(other.get(), any(address), sizeof address), 0);
  ASSERT_EQ(listen(other.get(), 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(other.get(), any(address), &size), 0);
  const Fd theirs{socket(AF_INET, SOCK_STREAM, 0)};
  ASSERT_EQ(connect(theirs.get(), any(address), sizeof address), 0);
  const Fd ours{accept(other.get(), nullptr, nullptr)};
  EXPECT_EQ(keeper_.greeted(ours.get(), now_), KernelSocket{});
  EXPECT_EQ(judge(), Whys{});
  now_ += seconds{60};
  EXPECT_EQ(judge({true, true}), Whys{});
}

TEST_F(DoorkeeperTest, OnlyThatVerySocketIsEnded) {
  auto first = dial_and_greet();
  const auto socket_of_first = socket_at(first.ours.get());
  first.ours.reset();
  const auto second = dial_and_greet();
  EXPECT_FALSE(keeper_.end(socket_of_first));
  EXPECT_FALSE(keeper_.end({second.ours.get(), socket_of_first.cookie}))
      << "the number is another's";
  EXPECT_FALSE(is_ended(second));
  EXPECT_TRUE(keeper_.end(socket_at(second.ours.get())));
  EXPECT_TRUE(is_ended(second));
}

TEST(ListeningAddress, TakesWhatLibzmqSays) {
  EXPECT_TRUE(ListeningAddress::parse("tcp://127.0.0.1:20801"));
  EXPECT_TRUE(ListeningAddress::parse("tcp://[::1]:20801"));
  EXPECT_TRUE(ListeningAddress::parse("tcp://0.0.0.0:20801"));
  EXPECT_FALSE(ListeningAddress::parse("ipc:///tmp/node"));
  EXPECT_FALSE(ListeningAddress::parse("tcp://127.0.0.1:0"));
  EXPECT_FALSE(ListeningAddress::parse("tcp://127.0.0.1:x"));
  EXPECT_FALSE(ListeningAddress::parse("tcp://"));
  EXPECT_FALSE(ListeningAddress::parse(""));
}

}  // namespace
}  // namespace kvmesh::mesh
