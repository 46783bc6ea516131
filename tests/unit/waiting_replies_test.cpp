// Replies that a socket did not take: their order, and what is counted for them.

#include "node/mesh/waiting_replies.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmesh::mesh {
namespace {

wire::Buffer frame_of(std::string_view bytes) {
  wire::Buffer frame;
  frame.append(bytes);
  return frame;
}

TEST(WaitingReplies, LeaveInOrderAsFarAsTheyAreTaken) {
  Meter of_all;
  WaitingReplies waiting{of_all};
  for (const auto* bytes : {"one", "two", "three"}) waiting.add(frame_of(bytes));
  std::vector<std::string> sent;
  const auto take_some = [&](std::size_t count) {
    return [&, count](wire::Buffer& frame) {
      if (sent.size() == count) return false;
      sent.emplace_back(frame.view());
      (void)wire::Buffer{std::move(frame)};  // as a socket that keeps it
      return true;
    };
  };
  waiting.send_all(take_some(2));
  EXPECT_EQ(waiting.bytes(), 5 + kQueuedFrameBytes);
  waiting.send_all(take_some(3));
  EXPECT_EQ(sent, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(of_all.bytes(), 0U);
}

// A frame of a few bytes takes many times as much.
TEST(WaitingReplies, CountWhatATinyFrameTakes) {
  Meter of_all;
  WaitingReplies waiting{of_all};
  for (int i = 0; i < 1000; ++i) {
    auto frame = frame_of("fifteen bytes..");
    EXPECT_LE(sizeof frame + frame.capacity(), kQueuedFrameBytes);
    waiting.add(std::move(frame));
  }
  EXPECT_EQ(waiting.bytes(), 1000 * (15 + kQueuedFrameBytes));
}

TEST(WaitingReplies, OfAllConnectionsAreCountedTogether) {
  Meter of_all;
  WaitingReplies one{of_all};
  {
    WaitingReplies other{of_all};
    one.add(frame_of("a"));
    other.add(frame_of("bcd"));
    EXPECT_EQ(of_all.bytes(), one.bytes() + other.bytes());
  }
  EXPECT_EQ(of_all.bytes(), one.bytes());
  one.clear();
  EXPECT_EQ(of_all.bytes(), 0U);
}

}  // namespace
}  // namespace kvmesh::mesh
