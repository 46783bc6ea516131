// A journal at work: what was appended is there again.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

using journal::Change;
using journal::Durability;
using testing::HasSubstr;

class Journal : public JournalTest, public testing::WithParamInterface<Durability> {
 protected:
  journal::Options options(const std::string& name = "state") const {
    auto options = JournalTest::options(name);
    options.durability = GetParam();
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(Durabilities, Journal,
                         testing::Values(Durability::kAlways, Durability::kEverySecond),
                         [](const auto& tested) {
                           return tested.param == Durability::kAlways ? "Always" : "EverySecond";
                         });

TEST_P(Journal, IsEmptyAtFirst) {
  OpenJournal journal{options()};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal->recovered().groups, 0U);
  EXPECT_EQ(journal.revision(), 0U);
  EXPECT_EQ(journal.model(), JournalModel{});
  EXPECT_EQ(journal->durable(), 0U);
  EXPECT_EQ(journal->failure(), std::nullopt);
}

TEST_P(Journal, GivesBackWhatWasAppendedOverSeveralLives) {
  JournalStory story{1};
  std::uint64_t groups = 0;
  for (int life = 0; life < 4; ++life) {
    OpenJournal journal{options()};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    EXPECT_EQ(journal.model(), story.model());
    EXPECT_EQ(journal.revision(), story.count());
    EXPECT_EQ(journal->recovered().groups, groups);
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(journal.append(story).ok());
      if (i % 7 == 0) {
        ASSERT_TRUE(journal.wait());
      }
    }
    ASSERT_TRUE(journal.wait());
    groups = journal->statistics().groups;
    if (life % 2 == 0) {
      const auto status = journal->close();
      EXPECT_TRUE(status.ok()) << status.text();
    }
  }
  OpenJournal journal{options()};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), story.model());
  std::uint64_t keys = 0;
  for (const auto& [id, bucket] : journal.model().buckets) keys += bucket.keys.size();
  EXPECT_GT(keys, 20U);
  EXPECT_EQ(journal->recovered().keys, keys);
  EXPECT_EQ(journal->recovered().buckets, journal.model().buckets.size());
}

TEST_P(Journal, WritesWhatIsQueuedWhenItCloses) {
  JournalStory story{2};
  {
    OpenJournal journal{options()};
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(journal.append(story).ok());
  }
  OpenJournal journal{options()};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), story.model());
}

TEST_P(Journal, NumbersOfBucketsAndRevisionsDoNotGoBack) {
  journal::BucketId last = 0;
  for (int life = 0; life < 3; ++life) {
    OpenJournal journal{options()};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    const auto id = journal->new_bucket();
    EXPECT_GT(id, last);
    last = id;
    auto room = journal->reserve(2 * journal::staged_bytes(1, 1));
    ASSERT_TRUE(room.ok());
    const std::vector<Change> changes{Change::of_bucket(id, "b", ""), Change::drop(id)};
    journal->append(*room, changes, 7 - static_cast<std::uint64_t>(life));
  }
  OpenJournal journal{options()};
  EXPECT_TRUE(journal.model().buckets.empty());
  EXPECT_EQ(journal.revision(), 7U);
}

TEST_P(Journal, CountsWhatItDoes) {
  JournalStory story{3};
  OpenJournal journal{options()};
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(journal.append(story).ok());
  ASSERT_TRUE(journal.wait());
  auto statistics = journal->statistics();
  EXPECT_GE(statistics.groups, 1U);
  EXPECT_GE(statistics.last_group_operations, 1U);
  EXPECT_GT(statistics.last_group_bytes, 0U);
  if (GetParam() == Durability::kAlways) {
    EXPECT_GT(statistics.longest_sync.count(), 0);
  }
  // Everything is on the disk sooner or later, and counted; with kEverySecond, after the next tick.
  do {
    std::this_thread::yield();
    statistics = journal->statistics();
  } while (statistics.oldest_unsynced.count() > 0 || statistics.queued_bytes > 0 ||
           statistics.bytes_on_disk == 0);
  EXPECT_GT(journal->statistics().last_sync.count(), 0);
}

TEST_P(Journal, WithoutRoomNothingIsTaken) {
  auto small = options();
  small.queue_bytes_max = 1000;
  OpenJournal journal{small};
  {
    auto most = journal->reserve(600);
    ASSERT_TRUE(most.ok());
    const auto refused = journal->reserve(500);
    EXPECT_EQ(refused.status().code(), StatusCode::kOverloaded);
    EXPECT_THAT(refused.status().text(), HasSubstr("600 bytes"));
    EXPECT_TRUE(journal->reserve(400).ok());
  }
  EXPECT_EQ(journal->reserve(1001).status().code(), StatusCode::kOverloaded);
  EXPECT_EQ(journal->statistics().queued_bytes, 0U);
  {
    auto all = journal->reserve(1000);
    ASSERT_TRUE(all.ok());
    const std::vector<Change> changes{Change::of_bucket(1, "b", "")};
    journal->append(*all, changes, 1);
  }
  // Room that was used is free when its group is written.
  while (!journal->reserve(1000).ok()) std::this_thread::yield();
}

TEST_P(Journal, AnAppendMayBeLargerThanAGroup) {
  auto small = options();
  small.group_bytes_max = 1;
  JournalStory story{5};
  {
    OpenJournal journal{small};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(journal.append(story).ok());
    const std::string value(std::size_t{1} << 20, 'x');
    auto room = journal->reserve(journal::staged_bytes(3, value.size()));
    ASSERT_TRUE(room.ok());
    const std::vector<Change> changes{
        Change::put(story.model().buckets.begin()->first, "big", {value, 101, 0})};
    journal->append(*room, changes, 101);
  }
  OpenJournal journal{small};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  const auto& keys = journal.model().buckets.begin()->second.keys;
  ASSERT_TRUE(keys.contains("big"));
  EXPECT_EQ(keys.at("big").value.size(), std::size_t{1} << 20);
}

TEST_P(Journal, IsClosedOnlyOnce) {
  OpenJournal journal{options()};
  EXPECT_TRUE(journal->close().ok());
  EXPECT_TRUE(journal->close().ok());
  EXPECT_EQ(journal->reserve(1).status().code(), StatusCode::kUnavailable);
}

TEST_P(Journal, AnErrorOfTheLoaderNamesThePlace) {
  JournalStory story{6};
  {
    OpenJournal journal{options()};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(journal.append(story).ok());
  }
  class Full final : public journal::Loader {
    Status bucket(journal::BucketId, std::string_view, std::string_view) override { return {}; }
    Status record(journal::BucketId, std::string_view, const journal::Record&) override {
      return {StatusCode::kFull, "no room"};
    }
    Status note(journal::BucketId, std::string_view, std::string_view) override { return {}; }
    void progress(const journal::Recovered&) override {}
  } full;
  const auto opened = journal::Journal::open(options(), full, {});
  EXPECT_EQ(opened.status().code(), StatusCode::kFull);
  EXPECT_THAT(opened.status().text(), HasSubstr("bucket \"bucket-"));
  EXPECT_THAT(opened.status().text(), HasSubstr("key \"key-"));
  EXPECT_THAT(opened.status().text(), HasSubstr("no room"));
}

}  // namespace
}  // namespace kvmesh::test
