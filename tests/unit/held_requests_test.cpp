// Requests that wait: their order, what is counted for them, and the memory that they take.

#include "node/mesh/held_requests.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "common/wire/record.h"

namespace kvmesh::mesh {
namespace {

using std::chrono::microseconds;

constexpr std::size_t kSlack = 16 * 1024;

class HeldRequestsTest : public testing::Test {
 protected:
  // The oldest frame is executed but for its last `left` bytes.
  void execute(std::size_t left = 0) {
    auto oldest = held_.take();
    const auto run = oldest.run();
    held_.give_back(std::move(oldest), run.substr(run.size() - left));
  }

  Meter of_all_;
  TimePoint now_;
  HeldRequests held_{of_all_};
};

TEST_F(HeldRequestsTest, AreTheSameAsAPlainQueue) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random);
  };
  std::deque<std::string> plain;
  std::size_t bytes = 0;
  bool filling = true;  // by turns with emptying it, to the last
  for (int step = 0; step < 50'000; ++step) {
    now_ += microseconds{below(300)};
    filling = plain.empty() || (filling && plain.size() < 20 + below(200));
    if (filling ? below(4) > 0 : below(4) == 0) {
      const std::size_t sizes[] = {1 + below(40), 300 + below(40), below(20'000)};
      std::string run(sizes[below(3)], static_cast<char>('a' + step % 26));
      held_.add(run, now_);
      bytes += HeldRequests::cost(run);
      plain.push_back(std::move(run));
    } else if (!plain.empty()) {
      auto oldest = held_.take();
      ASSERT_EQ(oldest.run(), plain.front());
      const auto run = oldest.run();
      const auto rest = run.substr(below(3) == 0 && !run.empty() ? below(run.size()) : run.size());
      bytes -= HeldRequests::cost(run) - (rest.empty() ? 0 : HeldRequests::cost(rest));
      if (rest.empty()) {
        plain.pop_front();
      } else {
        plain.front() = std::string{rest};
      }
      held_.give_back(std::move(oldest), rest);
    }
    ASSERT_EQ(held_.empty(), plain.empty());
    ASSERT_EQ(held_.bytes(), bytes);
    ASSERT_EQ(of_all_.bytes(), bytes);
    if (step % 100 == 0) {
      ASSERT_LE(held_.capacity_bytes(), 2 * bytes + kSlack);
    }
  }
}

TEST_F(HeldRequestsTest, KeepTheTimeWhenTheyArrived) {
  held_.add("first", now_);
  held_.add(std::string(5000, 'x'), now_ += microseconds{10});
  held_.add("third", now_ += microseconds{2000});
  for (const auto after : {microseconds{0}, microseconds{10}, microseconds{2010}}) {
    auto oldest = held_.take();
    EXPECT_EQ(oldest.arrived(), TimePoint{} + after);
    held_.give_back(std::move(oldest), {});
  }
}

TEST_F(HeldRequestsTest, NoneIsTakenForOlderThanItIsNorMuchYounger) {
  const int ages_us[] = {500, 1400, 400, 5'000'000, 300, 0};
  for (const auto age : ages_us) held_.add("tiny", now_, microseconds{age});
  for (const auto age : ages_us) {
    auto oldest = held_.take();
    EXPECT_LE(oldest.age(), microseconds{age});
    EXPECT_GT(oldest.age() + microseconds{1000}, microseconds{age});
    held_.give_back(std::move(oldest), {});
  }
}

TEST_F(HeldRequestsTest, TinyOnesTakeNoMoreThanTheyCount) {
  for (int i = 0; i < 20'000; ++i) held_.add("fifteen bytes..", now_ += microseconds{1});
  EXPECT_LE(held_.capacity_bytes(), held_.bytes() / 5) << "they arrived together";
  held_.clear();
  for (int i = 0; i < 20'000; ++i) held_.add("fifteen bytes..", now_ += microseconds{1000});
  EXPECT_LE(held_.capacity_bytes(), held_.bytes()) << "one by one";
}

TEST_F(HeldRequestsTest, WhatWasExecutedOfAFrameGivesItsMemoryBack) {
  const std::string frame(4 * 1024 * 1024, 'x');
  for (int i = 0; i < 4; ++i) held_.add(frame, now_);
  for (int i = 0; i < 4; ++i) {
    execute(20);
    EXPECT_LE(held_.capacity_bytes(), 2 * held_.bytes() + kSlack);
    execute();
  }
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(of_all_.bytes(), 0U);
}

TEST_F(HeldRequestsTest, OneThatIsTakenOutlivesTheOthers) {
  held_.add("first", now_);
  held_.add("second", now_);
  auto oldest = held_.take();
  EXPECT_EQ(held_.bytes(), HeldRequests::cost("second")) << "in the same piece, and still held";
  held_.clear();
  EXPECT_EQ(oldest.run(), "first");
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(of_all_.bytes(), 0U);
}

// A connection that sends no more than its window must never be taken for one that floods.
TEST_F(HeldRequestsTest, AFullWindowHasRoomHoweverItIsCut) {
  constexpr std::size_t kRequests = limits::kInFlightPerLinkMax;
  constexpr std::size_t kBodyBytes = limits::kInFlightBytesPerLinkMax / kRequests;
  const wire::PathStep step{"a-node-with-a-long-name@host-7.rack-21.example.org", "0x61..0x6d"};
  wire::Buffer body;
  const auto make = [&](std::size_t bytes) {
    return wire::make_request(body, {}, "node.ping", [&](wire::Buffer& out) {
      wire::pack_array(out, 1);
      wire::pack_bin(out, std::string(bytes, 'x'));
    });
  };
  const auto rest = make(kBodyBytes).body.size() - kBodyBytes;  // beside its argument
  const auto request = make(kBodyBytes - rest);
  ASSERT_EQ(request.body.size(), kBodyBytes);
  for (const std::size_t per_frame : {1, 2, 1000}) {
    for (std::size_t sent = 0; sent < kRequests;) {
      wire::Buffer run;
      for (std::size_t i = 0; i < per_frame && sent < kRequests; ++i, ++sent) {
        wire::append_request(run, request, RequestId{~0ULL - sent}, 86'400'000, &step);
      }
      held_.add(run.view(), now_ += microseconds{1});
    }
    EXPECT_LE(held_.bytes(), HeldRequests::kWindowBytes) << per_frame << " requests a frame";
    held_.clear();
  }
}

}  // namespace
}  // namespace kvmesh::mesh
