// Requests on their way out: what is written of their time is what is left when they leave, and
// what is over by then does not leave.

#include "common/wire/request_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/wire/frame.h"
#include "common/wire/pack.h"

namespace kvmesh::wire {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimePoint kStart = TimePoint{} + hours{1};

struct Leaving {
  std::uint64_t id = 0;
  std::uint64_t timeout_ms = 0;
  std::string body;
  bool operator==(const Leaving&) const = default;
};

class RequestBatchTest : public testing::Test {
 protected:
  RequestView request(std::size_t bytes = 0, bool traced = false) {
    auto made = make_request(scratch_, {}, "node.ping", [&](Buffer& out) {
      pack_array(out, 1);
      pack_bin(out, std::string(bytes, 'x'));
    });
    made.flags = traced ? RequestView::kFlagTrace : 0;
    return made;
  }
  void add(std::uint64_t id, milliseconds time, std::size_t bytes = 0, bool traced = false) {
    const PathStep step{"gate@h", "a..m"};
    batch_.add(request(bytes, traced), RequestId{id}, kStart + time, &step);
  }
  std::vector<std::uint64_t> expire(TimePoint now) {
    std::vector<std::uint64_t> out;
    batch_.expire(now, [&](RequestId id) { out.push_back(id.value); });
    return out;
  }
  std::vector<Leaving> leave(TimePoint now, std::uint64_t stamp = 0) {
    const auto frame = parse_frame(batch_.frame(now, stamp).view()).frame;
    if (!frame) return {};
    auto run = frame->content;
    kind_ = frame->kind;
    if (frame->kind == FrameKind::kTimedRequests) stamp_ = take_stamp(run);
    std::vector<Leaving> out;
    std::optional<Refusal> refusal;
    while (const auto record = next_record(run, refusal)) {
      const auto read = decode_request(*record);
      if (!read) {
        ADD_FAILURE() << "a malformed record";
        break;
      }
      out.push_back({read->id.value, read->timeout_ms, std::string{read->body}});
    }
    EXPECT_FALSE(refusal);
    return out;
  }
  std::vector<std::uint64_t> ids(const std::vector<Leaving>& all) {
    std::vector<std::uint64_t> out;
    for (const auto& one : all) out.push_back(one.id);
    return out;
  }

  Buffer scratch_;
  RequestBatch batch_;
  FrameKind kind_{};
  std::optional<std::uint64_t> stamp_;
};

TEST_F(RequestBatchTest, TimeLeftIsWhatIsLeftWhenItLeaves) {
  add(1, milliseconds{5000});
  add(2, milliseconds{24 * 3600 * 1000});
  EXPECT_THAT(expire(kStart + milliseconds{1}), IsEmpty());
  auto left = leave(kStart + milliseconds{1});
  EXPECT_EQ(left[0].timeout_ms, 4999U);
  EXPECT_EQ(left[1].timeout_ms, 86'399'999U);
  // The socket did not take it; later less is left.
  EXPECT_THAT(expire(kStart + milliseconds{3000}), IsEmpty());
  left = leave(kStart + milliseconds{3000});
  EXPECT_EQ(left[0].timeout_ms, 2000U);
  EXPECT_EQ(kind_, FrameKind::kRequests);
}

TEST_F(RequestBatchTest, WhatIsOverDoesNotLeaveAndIsToldOnce) {
  add(1, milliseconds{100}, 10);
  add(2, milliseconds{900}, 20);
  add(3, milliseconds{100}, 30);
  add(4, milliseconds{900}, 40);
  const auto all = batch_.bytes();
  EXPECT_THAT(expire(kStart + milliseconds{99}), IsEmpty());
  EXPECT_THAT(expire(kStart + milliseconds{100}), ElementsAre(1, 3));
  EXPECT_THAT(expire(kStart + milliseconds{101}), IsEmpty());
  EXPECT_EQ(batch_.bytes(), all) << "they take memory until the frame leaves";
  EXPECT_EQ(batch_.requests(), 4U);
  const auto left = leave(kStart + milliseconds{200});
  EXPECT_THAT(ids(left), ElementsAre(2, 4));
  EXPECT_EQ(left[0].body, request(20).body);
  EXPECT_EQ(left[1].body, request(40).body);
  EXPECT_LT(batch_.bytes(), all);
}

TEST_F(RequestBatchTest, ABatchOfWhichAllIsOverIsEmpty) {
  add(1, milliseconds{100});
  EXPECT_FALSE(batch_.empty());
  EXPECT_THAT(expire(kStart + milliseconds{150}), ElementsAre(1));
  EXPECT_TRUE(batch_.empty());
  batch_.clear();
  EXPECT_EQ(batch_.bytes(), 0U);
  add(2, milliseconds{500});
  EXPECT_THAT(ids(leave(kStart)), ElementsAre(2));
}

TEST_F(RequestBatchTest, ATimedFrameSaysWhenItLeft) {
  batch_ = RequestBatch{true};
  add(1, milliseconds{100});
  add(2, milliseconds{900});
  EXPECT_THAT(expire(kStart + milliseconds{100}), ElementsAre(1));
  const auto left = leave(kStart + milliseconds{100}, 0x0123456789abcdef);
  EXPECT_EQ(kind_, FrameKind::kTimedRequests);
  EXPECT_EQ(stamp_, 0x0123456789abcdefU);
  EXPECT_THAT(ids(left), ElementsAre(2));
}

TEST_F(RequestBatchTest, TracedOnesAreKnown) {
  add(1, milliseconds{900});
  EXPECT_FALSE(batch_.any_traced());
  add(2, milliseconds{900}, 0, true);
  add(3, milliseconds{100}, 0, true);
  EXPECT_THAT(expire(kStart + milliseconds{200}), ElementsAre(3));
  std::vector<std::uint64_t> traced;
  batch_.each_traced([&](RequestId id) { traced.push_back(id.value); });
  EXPECT_THAT(traced, ElementsAre(2));
}

TEST_F(RequestBatchTest, AnyMixtureKeepsItsOrderAndItsBytes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&](int end) {
    return std::uniform_int_distribution<int>{0, end - 1}(random);
  };
  for (int round = 0; round < 300; ++round) {
    batch_ = RequestBatch{below(2) == 0};
    std::vector<Leaving> expected;
    std::size_t told = 0;
    auto now = kStart;
    for (std::uint64_t id = 1; id <= 30; ++id) {
      const auto bytes = static_cast<std::size_t>(below(5) == 0 ? below(5000) : below(50));
      const milliseconds time{below(1000)};
      add(id, time, bytes);
      expected.push_back(
          {id, static_cast<std::uint64_t>(time.count()), std::string{request(bytes).body}});
      if (below(4) == 0) told += expire(now += milliseconds{below(60)}).size();
      if (below(6) == 0 && !batch_.empty()) {
        told += expire(now).size();
        if (!batch_.empty()) (void)leave(now);
      }
    }
    told += expire(now).size();
    const auto passed = static_cast<std::uint64_t>((now - kStart) / milliseconds{1});
    const auto before = expected.size();
    std::erase_if(expected, [&](const Leaving& read) { return read.timeout_ms <= passed; });
    for (auto& read : expected) read.timeout_ms -= passed;
    EXPECT_EQ(told, before - expected.size());
    ASSERT_EQ(batch_.empty(), expected.empty());
    if (!expected.empty()) {
      ASSERT_EQ(leave(now), expected);
    }
  }
}

}  // namespace
}  // namespace kvmesh::wire
