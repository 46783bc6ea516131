// Pages of a bucket that changes meanwhile, put right: always what the bucket was at the last
// change.

#include "client/command/backup/amendments.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace kvmesh::command {
namespace {

using Records = std::map<std::string, BackupRecord>;
using std::chrono::milliseconds;

// A bucket that is changed at random, and remembers its changes.
class ChangingBucket {
 public:
  explicit ChangingBucket(std::mt19937_64& random) : random_(random) {}

  void change() {
    Event event;
    event.rev = ++rev;
    event.key = "k" + std::to_string(random_() % 60);
    const auto found = records.find(event.key);
    const auto kind = random_() % 4;
    if (kind < 2 || found == records.end()) {
      event.kind = Event::Kind::kPut;
      event.value = std::to_string(rev);
      if (random_() % 2 == 0) event.ttl = milliseconds{5000};
      records[event.key] = {event.key, event.value, rev, {}};
    } else if (kind == 2) {
      event.kind = Event::Kind::kTouch;
      if (random_() % 2 == 0) event.ttl = milliseconds{7000};
      found->second.rev = rev;
    } else {
      event.kind = random_() % 2 == 0 ? Event::Kind::kErase : Event::Kind::kExpire;
      records.erase(found);
    }
    if (const auto kept = records.find(event.key); kept != records.end()) {
      kept->second.expires_ms.reset();
      if (event.ttl) kept->second.expires_ms = kNow + event.ttl->count();
    }
    events.push_back(event);
  }
  // The next few records after `after`, and whether there are more.
  std::pair<std::vector<BackupRecord>, bool> page(const std::optional<std::string>& after) const {
    constexpr std::size_t kMost = 5;
    std::vector<BackupRecord> out;
    for (auto it = after ? records.upper_bound(*after) : records.begin(); it != records.end();
         ++it) {
      if (out.size() == kMost) return {out, true};
      out.push_back(it->second);
    }
    return {out, false};
  }

  static constexpr std::int64_t kNow = 1'000'000;
  Records records;
  std::vector<Event> events;
  std::uint64_t rev = 0;

 private:
  std::mt19937_64& random_;
};

TEST(AmendmentsTest, PagesAndChangesAreOneInstant) {
  std::mt19937_64 random{20261128};
  for (int round = 0; round < 2000; ++round) {
    ChangingBucket bucket{random};
    const auto change_some = [&] {
      for (auto left = random() % 12; left > 0; --left) bucket.change();
    };
    for (int i = 0; i < 40; ++i) bucket.change();
    const auto followed = bucket.events.size();
    std::size_t told = followed;
    Amendments amendments;
    // Some of the changes that are not told yet, or all.
    const auto tell = [&](const std::optional<std::string>& passed, bool all) {
      const auto left = bucket.events.size() - told;
      const auto count = all ? left : random() % (left + 1);
      const auto begin = bucket.events.begin() + static_cast<std::ptrdiff_t>(told);
      told += count;
      EXPECT_TRUE(amendments.note({begin, begin + static_cast<std::ptrdiff_t>(count)}, passed,
                                  ChangingBucket::kNow));
    };
    std::vector<std::pair<std::vector<BackupRecord>, bool>> pages;
    std::optional<std::string> after;
    while (true) {
      change_some();
      pages.push_back(bucket.page(after));
      change_some();
      if (!pages.back().second) break;
      after = pages.back().first.back().key;
      tell(after, false);
    }
    tell(std::nullopt, true);

    std::vector<BackupRecord> all;
    for (auto& [page, more] : pages) {
      amendments.amend(page, !more);
      all.insert(all.end(), page.begin(), page.end());
    }
    std::vector<BackupRecord> expected;
    for (const auto& [key, record] : bucket.records) expected.push_back(record);
    ASSERT_EQ(all.size(), expected.size()) << round;
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(all[i], expected[i]) << "round " << round << ", " << expected[i].key;
    }
  }
}

TEST(AmendmentsTest, ADroppedBucketIsToldAtOnce) {
  Amendments amendments;
  EXPECT_FALSE(amendments.note({{1, Event::Kind::kDrop, {}, {}, {}}}, std::nullopt, 0));
}

}  // namespace
}  // namespace kvmesh::command
