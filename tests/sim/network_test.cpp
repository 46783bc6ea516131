// The simulated network: order, loss and partitions.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "node/sim/network.h"
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

}  // namespace
}  // namespace kvmesh::sim
