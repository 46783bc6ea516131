// InFlight: ids, the order of each link, the wheel, and that it behaves as a plain list does under
// random use.

#include "common/in_flight.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/random_msgpack.h"

namespace kvmesh {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr TimePoint kStart = TimePoint{} + hours{7};
constexpr milliseconds kLatest{16};  // an entry expires at most this much after its deadline

std::vector<std::string> expire(InFlight<std::string>& table, TimePoint now) {
  std::vector<std::string> out;
  while (auto taken = table.take_expired(now)) out.push_back(taken->payload);
  return out;
}

TEST(InFlight, FindsAndTakesAnEntryOnce) {
  InFlight<std::string> table{2, 10, kStart};
  const auto id = *table.add(1, 30, kStart + hours{1}, "a");
  ASSERT_NE(table.find(id), nullptr);
  EXPECT_EQ(*table.find(id), "a");
  EXPECT_EQ(table.link_of(id), 1U);
  EXPECT_EQ(table.link_size(1), 1U);
  EXPECT_EQ(table.link_bytes(1), 30U);
  EXPECT_EQ(table.link_size(0), 0U);

  const auto taken = table.take(id);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, id);
  EXPECT_EQ(taken->link, 1U);
  EXPECT_EQ(taken->payload, "a");
  EXPECT_EQ(table.find(id), nullptr);
  EXPECT_FALSE(table.take(id));
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.link_bytes(1), 0U);
}

TEST(InFlight, AnIdIsNotGivenTwiceThoughItsSlotIs) {
  InFlight<std::string> table{1, 1, kStart};
  std::vector<RequestId> old;
  for (int i = 0; i < 1000; ++i) {
    const auto id = table.add(0, 0, kStart + hours{1}, "x");
    ASSERT_TRUE(id);
    for (const auto other : old) {
      ASSERT_NE(other, *id);
      ASSERT_EQ(table.find(other), nullptr);
      ASSERT_FALSE(table.take(other));
    }
    ASSERT_TRUE(table.take(*id));
    old.push_back(*id);
  }
}

TEST(InFlight, InventedIdsFindNothing) {
  InFlight<std::string> table{1, 10, kStart};
  EXPECT_EQ(table.find({0}), nullptr);
  table.add(0, 0, kStart + hours{1}, "x");
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1} << 32 | 1, ~std::uint64_t{0},
                                    std::uint64_t{2} << 32, std::uint64_t{0xffffffff}}) {
    EXPECT_EQ(table.find({value}), nullptr) << value;
    EXPECT_FALSE(table.take({value})) << value;
  }
}

TEST(InFlight, TakesUpToItsLimitAndAgainAfterOneIsGone) {
  InFlight<std::string> table{1, 3, kStart};
  const auto first = table.add(0, 1, kStart + hours{1}, "a");
  ASSERT_TRUE(first);
  ASSERT_TRUE(table.add(0, 1, kStart + hours{1}, "b"));
  ASSERT_TRUE(table.add(0, 1, kStart + hours{1}, "c"));
  EXPECT_FALSE(table.add(0, 1, kStart + hours{1}, "d"));
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.link_bytes(0), 3U);
  ASSERT_TRUE(table.take(*first));
  EXPECT_TRUE(table.add(0, 1, kStart + hours{1}, "e"));
}

TEST(InFlight, TakesTheOldestOfALinkFirst) {
  InFlight<std::string> table{2, 10, kStart};
  table.add(0, 0, kStart + hours{3}, "a");
  table.add(1, 0, kStart + hours{1}, "other");
  const auto middle = *table.add(0, 0, kStart + hours{2}, "b");
  table.add(0, 0, kStart + hours{1}, "c");
  table.take(middle);
  table.add(0, 0, kStart + hours{1}, "d");
  for (const std::string expected : {"a", "c", "d"}) {
    const auto taken = table.take_oldest(0);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->payload, expected);
  }
  EXPECT_FALSE(table.take_oldest(0));
  EXPECT_EQ(table.size(), 1U);
}

TEST(InFlight, ExpiresNeverEarlyAndSoonAfter) {
  for (int offset = 0; offset < 40; ++offset) {
    const auto deadline = kStart + milliseconds{1000 + offset};
    InFlight<std::string> table{1, 10, kStart};
    table.add(0, 0, deadline, "a");
    ASSERT_TRUE(expire(table, deadline - milliseconds{1}).empty()) << offset;
    ASSERT_EQ(expire(table, deadline + kLatest), std::vector<std::string>{"a"}) << offset;
    ASSERT_EQ(table.size(), 0U);
  }
}

TEST(InFlight, KeepsDeadlinesFarBeyondOneTurnOfTheWheel) {
  InFlight<std::string> table{1, 10, kStart};
  table.add(0, 0, kStart + hours{24}, "day");
  table.add(0, 0, kStart + hours{1}, "hour");
  for (auto now = kStart; now < kStart + hours{1}; now += milliseconds{997}) {
    ASSERT_TRUE(expire(table, now).empty());
  }
  EXPECT_EQ(expire(table, kStart + hours{1} + kLatest), std::vector<std::string>{"hour"});
  EXPECT_TRUE(expire(table, kStart + hours{24}).empty());
  EXPECT_EQ(expire(table, kStart + hours{24} + kLatest), std::vector<std::string>{"day"});
}

TEST(InFlight, FindsAllThatIsOverAfterAJumpInTime) {
  InFlight<std::string> table{1, 2000, kStart};
  for (int i = 0; i < 1000; ++i) table.add(0, 0, kStart + milliseconds{i * 37}, "over");
  for (int i = 0; i < 1000; ++i) table.add(0, 0, kStart + hours{3} + milliseconds{i * 37}, "not");
  EXPECT_EQ(expire(table, kStart + hours{2}), std::vector<std::string>(1000, "over"));
  EXPECT_EQ(expire(table, kStart + hours{4}), std::vector<std::string>(1000, "not"));
}

TEST(InFlight, ADeadlineInThePastIsOverAtTheNextTick) {
  InFlight<std::string> table{1, 10, kStart};
  expire(table, kStart + hours{1});
  table.add(0, 0, kStart, "late");
  EXPECT_EQ(expire(table, kStart + hours{1} + kLatest), std::vector<std::string>{"late"});
}

TEST(InFlight, EntriesMayComeAndGoBetweenTwoThatExpire) {
  InFlight<std::string> table{1, 10, kStart};
  const auto due = kStart + milliseconds{100};
  table.add(0, 0, due, "a");
  const auto b = *table.add(0, 0, due, "b");
  table.add(0, 0, due, "c");
  const auto now = kStart + hours{1};
  EXPECT_EQ(table.take_expired(now)->payload, "c");
  table.take(b);  // would have been next
  EXPECT_EQ(table.take_expired(now)->payload, "a");
  table.add(0, 0, due, "d");
  EXPECT_EQ(expire(table, now + kLatest), std::vector<std::string>{"d"});
  EXPECT_EQ(table.size(), 0U);
}

// The same behaviour, the slow and obvious way.
class Model {
 public:
  struct Entry {
    RequestId id;
    std::size_t link = 0;
    std::size_t bytes = 0;
    TimePoint deadline;
    int payload = 0;
  };

  void add(const Entry& entry) { entries_.push_back(entry); }
  const Entry* find(RequestId id) const {
    const auto at = std::ranges::find(entries_, id, &Entry::id);
    return at == entries_.end() ? nullptr : &*at;
  }
  const Entry* oldest(std::size_t link) const {
    const auto at = std::ranges::find(entries_, link, &Entry::link);
    return at == entries_.end() ? nullptr : &*at;
  }
  void remove(RequestId id) {
    std::erase_if(entries_, [id](const Entry& e) { return e.id == id; });
  }
  std::size_t bytes(std::size_t link) const {
    std::size_t sum = 0;
    for (const auto& e : entries_) sum += e.link == link ? e.bytes : 0;
    return sum;
  }
  std::size_t size(std::size_t link) const {
    return static_cast<std::size_t>(std::ranges::count(entries_, link, &Entry::link));
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// One run of random operations on an InFlight and the model.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : random_(seed) {}

  void step() {
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return add();
      case 4:
      case 5:
        return take();
      case 6:
        return take_oldest();
      default:
        return pass_time();
    }
  }
  void compare() {
    ASSERT_EQ(table_.size(), model_.entries().size());
    for (std::size_t link = 0; link < kLinks; ++link) {
      ASSERT_EQ(table_.link_size(link), model_.size(link));
      ASSERT_EQ(table_.link_bytes(link), model_.bytes(link));
    }
    for (const auto& e : model_.entries()) {
      ASSERT_NE(table_.find(e.id), nullptr);
      ASSERT_EQ(*table_.find(e.id), e.payload);
      ASSERT_EQ(table_.link_of(e.id), e.link);
    }
  }

 private:
  static constexpr std::size_t kLinks = 3;
  static constexpr std::uint32_t kMost = 40;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void add() {
    const auto deadline = now_ + milliseconds{below(below(2) == 0 ? 300 : 30000)};
    Model::Entry entry{{}, below(kLinks), below(1000), deadline, next_payload_++};
    const auto id = table_.add(entry.link, entry.bytes, deadline, entry.payload);
    ASSERT_EQ(id.has_value(), model_.entries().size() < kMost);
    if (!id) return;
    ASSERT_EQ(std::ranges::find(given_, *id), given_.end()) << "an id was given twice";
    given_.push_back(*id);
    entry.id = *id;
    model_.add(entry);
  }
  void take() {
    if (given_.empty()) return;
    const auto id = given_[below(given_.size())];
    const auto* expected = model_.find(id);
    const auto taken = table_.take(id);
    ASSERT_EQ(taken.has_value(), expected != nullptr);
    if (!taken) return;
    ASSERT_EQ(taken->payload, expected->payload);
    model_.remove(id);
  }
  void take_oldest() {
    const auto link = below(kLinks);
    const auto* expected = model_.oldest(link);
    const auto taken = table_.take_oldest(link);
    ASSERT_EQ(taken.has_value(), expected != nullptr);
    if (!taken) return;
    ASSERT_EQ(taken->id, expected->id);
    model_.remove(taken->id);
  }
  void pass_time() {
    now_ += milliseconds{below(50) == 0 ? below(40000) : below(60)};
    while (const auto taken = table_.take_expired(now_)) {
      const auto* expected = model_.find(taken->id);
      ASSERT_NE(expected, nullptr);
      ASSERT_LE(expected->deadline, now_) << "expired early";
      model_.remove(taken->id);
      if (below(30) == 0) return;  // the rest at the next time
    }
    for (const auto& e : model_.entries()) {
      ASSERT_GT(e.deadline + kLatest, now_) << "should have expired";
    }
  }

  std::mt19937_64 random_;
  TimePoint now_ = kStart;
  InFlight<int> table_{kLinks, kMost, kStart};
  Model model_;
  std::vector<RequestId> given_;
  int next_payload_ = 0;
};

TEST(InFlight, BehavesAsAPlainListUnderRandomUse) {
  const auto seed = test_seed();
  RandomRun run{seed};
  for (int i = 0; i < 20000; ++i) {
    run.step();
    run.compare();
    if (testing::Test::HasFatalFailure()) FAIL() << "KVMESH_TEST_SEED=" << seed << " step " << i;
  }
}

}  // namespace
}  // namespace kvmesh
