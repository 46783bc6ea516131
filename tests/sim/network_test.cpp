// The simulated network: order, loss and partitions.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/sim/network.h"
#include "node/sim/node_clock.h"
#include "node/sim/shapes.h"

namespace kvmesh::sim {
namespace {

class NetworkTest : public testing::Test {
 protected:
  NetworkTest() {
    plan_.nodes = make_chain(3);
    network_.emplace(plan_, events_);
    connection_ = network_->dial(0, 1, 0, 1, 2);
  }

  void send(int times) {
    for (int i = 0; i < times; ++i) {
      const auto frame = network_->make_frame(connection_, true, FrameSort::kRequests);
      network_->send(frame, events_.now());
      sent_.push_back(frame);
    }
  }
  // Everything that happens until nothing is planned, or `most`: frames in the order of arrival.
  std::vector<FrameId> arrivals(Micros most = std::chrono::hours{1}) {
    std::vector<FrameId> out;
    while (!events_.empty() && events_.next_at() <= most) {
      const auto event = events_.take();
      if (event.kind == EventKind::kNotice) ++notices_;
      if (event.kind == EventKind::kSilence && network_->is_silent(connection_, event.stamp)) {
        ++silences_;
      }
      if (event.kind == EventKind::kWire) network_->wire_over(event.detail);
      if (event.kind == EventKind::kWatch) silences_ += network_->watch(connection_, false) ? 1 : 0;
      if (event.kind == EventKind::kRoom) ++rooms_;
      if (event.kind != EventKind::kArrive) continue;
      const auto frame = static_cast<FrameId>(event.detail);
      if (network_->arrive(frame)) out.push_back(frame);
    }
    return out;
  }

  Plan plan_;
  EventQueue events_;
  std::optional<Network> network_;
  ConnectionId connection_ = 0;
  std::vector<FrameId> sent_;
  int notices_ = 0;
  int silences_ = 0;
  int rooms_ = 0;
};

TEST_F(NetworkTest, FramesOfOneWayKeepTheirOrder) {
  send(100);
  EXPECT_EQ(arrivals(), sent_);
}

TEST_F(NetworkTest, WhatWasLostInAPartitionComesBeforeWhatIsSentLater) {
  network_->part({0}, {1, 2});
  send(3);
  EXPECT_TRUE(arrivals(Micros{100000}).empty());
  send(1);  // under way when the partition ends
  network_->heal();
  send(3);
  EXPECT_EQ(arrivals(), sent_);
  EXPECT_EQ(silences_, 0);
}

TEST_F(NetworkTest, ALongPartitionIsSilence) {
  network_->part({0}, {1, 2});
  send(1);
  EXPECT_TRUE(arrivals().empty());
  EXPECT_EQ(silences_, 1);
}

TEST_F(NetworkTest, ACutLosesWhatIsUnderWayAndTheDialerNotices) {
  send(5);
  network_->cut({0}, {1});
  EXPECT_TRUE(arrivals().empty());
  EXPECT_EQ(notices_, 1);
}

TEST_F(NetworkTest, TakesOnlySoManyFramesWhenNothingGetsThrough) {
  plan_.network.pipe_frames = 3;
  network_->part({0}, {1});
  send(2);
  EXPECT_TRUE(network_->takes_requests(connection_));
  send(1);
  EXPECT_FALSE(network_->takes_requests(connection_));
}

TEST_F(NetworkTest, ASlowWireCarriesSoManyBytesASecond) {
  plan_.network.rate = 1000;
  for (int i = 0; i < 2; ++i) {
    const auto frame = network_->make_frame(connection_, true, FrameSort::kRequests);
    network_->frame(frame).bytes.append(std::string(440, 'x'));  // 500 bytes with the packet's own
    network_->send(frame, events_.now());
    sent_.push_back(frame);
  }
  EXPECT_EQ(network_->unsent_bytes(connection_), 880U);
  EXPECT_TRUE(arrivals(Micros{500000}).empty());
  EXPECT_EQ(network_->unsent_bytes(connection_), 440U);
  auto arrived = arrivals(Micros{1100000});
  ASSERT_GE(arrived.size(), 2U);
  arrived.resize(2);  // then a PING
  EXPECT_EQ(arrived, sent_);
}

TEST_F(NetworkTest, WhatTheReceiverDoesNotHandleTakesRoomAndItsSenderIsWoken) {
  plan_.network.pipe_frames = 2;
  send(2);
  EXPECT_EQ(arrivals(), sent_);
  EXPECT_FALSE(network_->takes_requests(connection_));
  network_->free_frame(sent_[0]);
  (void)arrivals();
  EXPECT_EQ(rooms_, 1);
  EXPECT_TRUE(network_->takes_requests(connection_));
}

TEST_F(NetworkTest, SocketsBuffersHoldMore) {
  plan_.network.pipe_frames = 1;
  plan_.network.buffer_bytes = 100;
  send(5);
  EXPECT_TRUE(network_->takes_requests(connection_));
}

TEST_F(NetworkTest, ADialerThatHearsNothingOverASlowWireGivesUp) {
  network_->throttle({0}, {1}, 1);
  send(1);
  (void)arrivals(std::chrono::seconds{2});
  EXPECT_GE(silences_, 1);
}

TEST(KnownWay, NoFrameIsYoungerThanTheQuickestWayAndTheDriftOfClocks) {
  KnownWay way;
  EXPECT_EQ(way.observe(Micros{0}, Micros{5000}), Micros{5000});  // the first could be any age
  EXPECT_EQ(way.observe(Micros{6000}, Micros{7000}), Micros{1000});
  // A second later, two clocks of which each may be 500 ppm wrong, and the bound's own rise.
  EXPECT_EQ(way.observe(Micros{7000}, Micros{1007000}), Micros{1000 + 2000 + 4});
}

TEST(FrameAge, IsNeverMoreThanTheTruth) {
  const NodeClock fast{1, *NodeName::parse("a@h")};
  const NodeClock slow{2, *NodeName::parse("b@h")};
  Random random{7};
  for (const auto& [sender, receiver] : {std::pair{fast, slow}, std::pair{slow, fast}}) {
    FrameAge age;
    KnownWay way;
    Micros now{};
    for (int i = 0; i < 10000; ++i) {
      now += random.between(Micros{0}, Micros{20000});
      const auto left = now - random.between(Micros{100}, Micros{100000});
      const auto unknown = way.observe(left, now);
      const auto told = age.observe(sender.stamp(left), receiver.stamp(now));
      ASSERT_LE(told, now - left + Micros{2});
      ASSERT_GE(told, now - left - unknown);
    }
  }
}

}  // namespace
}  // namespace kvmesh::sim
