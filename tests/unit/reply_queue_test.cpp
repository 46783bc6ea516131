// Replies come in any order and leave in the order of the requests.

#include "node/stream/reply_queue.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/random_msgpack.h"

namespace kvmesh::stream {
namespace {

constexpr Tag kPing = 1;
constexpr Tag kOther = 2;

class TwoConstants final : public Codec {
 public:
  std::string_view name() const override { return "a protocol"; }
  Message next(std::string_view /*input*/, RequestView& /*request*/,
               RequestScratch& /*scratch*/) override {
    return {};
  }
  std::size_t input_max() const override { return 0; }
  void append_reply(wire::Buffer& /*out*/, Tag /*tag*/, const ReplyView& /*reply*/) const override {
  }
  std::string_view constant(Tag tag) const override { return tag == kPing ? "PONG\r\n" : "?\r\n"; }
  void append_error(wire::Buffer& /*out*/, StatusCode /*code*/,
                    std::string_view /*text*/) const override {}
};

const TwoConstants kCodec;

// The obvious way: all places for ever, and the first that waits.
class Model {
 public:
  std::size_t push() {
    texts_.emplace_back();
    return texts_.size() - 1;
  }
  void answer(std::size_t place, std::string text) {
    texts_[place] = std::move(text);
    while (first_ < texts_.size() && texts_[first_]) out_ += *texts_[first_++];
  }
  bool is_waiting(std::size_t place) const { return place < texts_.size() && !texts_[place]; }
  std::size_t size() const { return texts_.size() - first_; }
  std::size_t waiting_bytes() const {
    std::size_t bytes = 0;
    for (auto i = first_; i < texts_.size(); ++i) bytes += texts_[i] ? texts_[i]->size() : 0;
    return bytes;
  }
  const std::string& out() const { return out_; }

 private:
  std::vector<std::optional<std::string>> texts_;
  std::size_t first_ = 0;
  std::string out_;
};

void answer(ReplyQueue& queue, std::uint64_t place, std::string_view text, wire::Buffer& out) {
  queue.text_buffer(place, out).append(text);
  queue.answered(place, out);
}

TEST(ReplyQueue, KeepsTheOrderAsTheModelDoes) {
  RandomMsgpack random{test_seed()};
  for (int round = 0; round < 200; ++round) {
    const auto waiting_max = 1 + random.below(40);
    ReplyQueue queue{kCodec};
    Model model;
    wire::Buffer out;
    std::vector<std::uint64_t> waiting;
    for (int step = 0; step < 400; ++step) {
      if (random.below(4) == 0) {
        const auto tag = random.below(2) == 0 ? kPing : kOther;
        queue.push_constant(tag, out);
        model.answer(model.push(), std::string{kCodec.constant(tag)});
      } else if (waiting.empty() || (waiting.size() < waiting_max && random.below(2) == 0)) {
        const auto tag = static_cast<Tag>(random.below(1000));
        const auto place = queue.push(tag);
        ASSERT_EQ(place, model.push());
        ASSERT_EQ(queue.tag(place), tag);
        waiting.push_back(place);
      } else {
        std::swap(waiting[random.below(waiting.size())], waiting.back());
        const auto text = random.bytes(random.below(random.below(20) == 0 ? 1000 : 30));
        answer(queue, waiting.back(), text, out);
        model.answer(waiting.back(), text);
        waiting.pop_back();
      }
      ASSERT_EQ(out.view(), model.out()) << round << ' ' << step;
      ASSERT_EQ(queue.size(), model.size());
      ASSERT_EQ(queue.waiting_bytes(), model.waiting_bytes());
      const auto probe = random.below(static_cast<std::uint64_t>(step) + 2);
      ASSERT_EQ(queue.is_waiting(probe), model.is_waiting(probe)) << probe;
    }
  }
}

TEST(ReplyQueue, GivesBackTheMemoryOfALongPipelineWhenItIsEmpty) {
  ReplyQueue queue{kCodec};
  wire::Buffer out;
  std::vector<std::uint64_t> places;
  for (int i = 0; i < 1000; ++i) places.push_back(queue.push(1));
  const auto most = queue.capacity_bytes();
  queue.give_back();
  EXPECT_EQ(queue.capacity_bytes(), most) << "not while somebody waits";
  for (const auto place : places) answer(queue, place, "x", out);
  EXPECT_EQ(queue.capacity_bytes(), most);
  queue.give_back();
  EXPECT_EQ(queue.capacity_bytes(), 0U);

  // Places go on from where they were.
  const auto next = queue.push(2);
  EXPECT_EQ(next, places.back() + 1);
  EXPECT_TRUE(queue.is_waiting(next));
  EXPECT_FALSE(queue.is_waiting(places.back()));
  answer(queue, next, "y", out);
  EXPECT_TRUE(out.view().ends_with("xy"));
  const auto few = queue.capacity_bytes();
  queue.give_back();
  EXPECT_EQ(queue.capacity_bytes(), few) << "a short one keeps it";
}

TEST(ReplyQueue, CountsAllTheMemoryThatWaitingRepliesTake) {
  ReplyQueue queue{kCodec};
  wire::Buffer out;
  const auto first = queue.push(2);
  const auto ring_of = [](std::size_t places) { return places * 16; };
  EXPECT_EQ(queue.memory_bytes(), ring_of(4));
  // A constant reply takes its place, and later its text in `out`.
  for (int i = 0; i < 1000; ++i) queue.push_constant(kPing, out);
  EXPECT_EQ(queue.memory_bytes(), ring_of(1024) + 1000 * std::string_view{"PONG\r\n"}.size());
  // A short reply takes a piece of memory that fits it.
  const auto before = queue.memory_bytes();
  const auto late = queue.push(1);
  answer(queue, late, "OK\r\n", out);
  EXPECT_GE(queue.memory_bytes(), before + 4 + 16);
  EXPECT_LE(queue.memory_bytes(), before + 32);
  EXPECT_TRUE(out.empty());
  answer(queue, first, "x", out);
  EXPECT_EQ(out.size(), 1U + 6000 + 4);
  EXPECT_EQ(queue.memory_bytes(), ring_of(1024));
  queue.give_back();
  EXPECT_EQ(queue.memory_bytes(), 0U);
}

TEST(ReplyQueue, TheFirstReplyIsWrittenWithoutACopy) {
  ReplyQueue queue{kCodec};
  wire::Buffer out;
  const auto first = queue.push(2);
  const auto second = queue.push(2);
  EXPECT_EQ(&queue.text_buffer(first, out), &out);
  EXPECT_NE(&queue.text_buffer(second, out), &out);
}

TEST(ReplyQueue, OneThatCameIsNotWaitingAnyMore) {
  ReplyQueue queue{kCodec};
  wire::Buffer out;
  const auto first = queue.push(1);
  const auto second = queue.push(1);
  answer(queue, second, "2", out);
  EXPECT_FALSE(queue.is_waiting(second));
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(queue.waiting_bytes(), 1U);
  answer(queue, first, "1", out);
  EXPECT_EQ(out.view(), "12");
  EXPECT_EQ(queue.waiting_bytes(), 0U);
  EXPECT_FALSE(queue.is_waiting(first));
  EXPECT_FALSE(queue.is_waiting(second));
  EXPECT_FALSE(queue.is_waiting(second + 1)) << "never given out";
  EXPECT_FALSE(queue.is_waiting(~std::uint64_t{0}));
}

}  // namespace
}  // namespace kvmesh::stream
