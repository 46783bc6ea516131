// Many threads append at once; ThreadSanitizer watches these.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

using journal::Change;

constexpr int kWriters = 4;
constexpr std::uint64_t kEach = 3000;

class JournalThreads : public JournalTest {};

TEST_F(JournalThreads, EachAppendIsWholeAndInTheOrderOfItsThread) {
  {
    OpenJournal journal{options()};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    std::atomic<bool> done{false};
    std::vector<std::thread> writers;
    writers.reserve(kWriters);
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&journal] {
        const auto bucket = journal->new_bucket();
        journal::Sequence last = 0;
        for (std::uint64_t i = 1; i <= kEach; ++i) {
          const auto number = std::to_string(i);
          auto room = journal->reserve(4 * journal::staged_bytes(8, 8));
          if (!room.ok()) {
            ADD_FAILURE() << room.status().text();
            return;
          }
          const std::vector<Change> changes{Change::of_bucket(bucket, "b", number),
                                            Change::put(bucket, "last", {number, i, 0}),
                                            Change::put(bucket, "also", {number, i, 0})};
          const auto sequence = journal->append(*room, changes, i);
          EXPECT_GT(sequence, last);
          last = sequence;
        }
      });
    }
    std::thread watcher{[&] {
      journal::Sequence durable = 0;
      while (!done) {
        const auto now = journal->durable();
        EXPECT_GE(now, durable);
        durable = now;
        (void)journal->statistics();
        EXPECT_EQ(journal->failure(), std::nullopt);
      }
    }};
    for (auto& writer : writers) writer.join();
    while (journal->durable() < kWriters * kEach) std::this_thread::yield();
    done = true;
    watcher.join();
    EXPECT_EQ(journal->statistics().queued_bytes, 0U);
  }
  OpenJournal journal{options()};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  ASSERT_EQ(journal.model().buckets.size(), std::size_t{kWriters});
  EXPECT_EQ(journal.revision(), kEach);
  for (const auto& [id, bucket] : journal.model().buckets) {
    EXPECT_EQ(bucket.meta, std::to_string(kEach));
    EXPECT_EQ(bucket.keys.at("last").value, std::to_string(kEach));
    EXPECT_EQ(bucket.keys.at("also").revision, kEach);
  }
}

}  // namespace
}  // namespace kvmesh::test
