// Power losses at every moment, over a disk that keeps only what was synced.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "journal_disk.h"
#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

using journal::Durability;
using Loss = JournalDisk::Loss;

class JournalPowerLoss : public JournalTest, public testing::WithParamInterface<Durability> {
 protected:
  journal::Options options(const std::shared_ptr<JournalDisk>& disk,
                           const std::string& root) const {
    auto options = JournalTest::options();
    options.state_dir = root + "/state";
    options.durability = GetParam();
    options.memtable_bytes = std::size_t{64} << 10;  // so that there are flushes and compactions
    options.sync_interval = std::chrono::milliseconds{3};
    options.file_system = disk;
    return options;
  }

  // Two lives of a journal.
  void live(std::uint64_t seed) {
    std::filesystem::remove_all(folder("disk"));
    std::filesystem::create_directories(folder("disk"));
    disk_ = std::make_shared<JournalDisk>(folder("disk"));
    JournalStory story{seed};
    for (int life = 0; life < 2; ++life) {
      const auto before = story.count();
      std::atomic<journal::Journal*> opened{nullptr};
      OpenJournal journal{options(disk_, folder("disk")), [&] {
                            auto* it = opened.load();
                            if (it != nullptr && GetParam() == Durability::kAlways) {
                              disk_->acknowledge(before + it->durable());
                            }
                          }};
      ASSERT_TRUE(journal.ok()) << journal.status().text();
      ASSERT_EQ(journal.model(), story.model());
      opened = &*journal;
      std::mt19937_64 random{seed};
      while (story.count() < before + 110) {
        for (auto together = random() % 4; together < 4; ++together) {
          ASSERT_TRUE(journal.append(story).ok());
        }
        ASSERT_TRUE(journal.wait());
        if (GetParam() == Durability::kAlways || random() % 4 != 0) continue;
        // What is said to be on the disk is as good as acknowledged.
        while (journal->statistics().oldest_unsynced.count() > 0) std::this_thread::yield();
        disk_->acknowledge(before + journal->durable());
      }
    }
    issued_ = story.count();
  }

  // What a power loss before `event` leaves must open, with all that was acknowledged and without
  // gaps. Gives the revision.
  void lose_power(std::uint64_t seed, std::size_t event, Loss loss) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", before event " + std::to_string(event) +
                 ", loss " + std::to_string(static_cast<int>(loss)));
    disk_->rebuild(event, loss, seed + event, folder("after"));
    OpenJournal journal{options(std::make_shared<JournalDisk>(folder("after")), folder("after"))};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    const auto revision = journal.revision();
    EXPECT_LE(revision, issued_);
    EXPECT_GE(revision, disk_->acknowledged(event));
    EXPECT_EQ(journal.model(), JournalStory::after(seed, revision));
    EXPECT_TRUE(journal->close().ok());
  }

  std::shared_ptr<JournalDisk> disk_;
  std::uint64_t issued_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Durabilities, JournalPowerLoss,
                         testing::Values(Durability::kAlways, Durability::kEverySecond),
                         [](const auto& tested) {
                           return tested.param == Durability::kAlways ? "Always" : "EverySecond";
                         });

TEST_P(JournalPowerLoss, NothingAcknowledgedIsLostAtAnyMoment) {
  for (std::uint64_t seed = 1; seed <= journal_rounds(); ++seed) {
    ASSERT_NO_FATAL_FAILURE(live(seed));
    std::size_t losses = 0;
    for (std::size_t event = 0; event <= disk_->events(); ++event) {
      const bool is_end = event == disk_->events();
      // Between two syncs only what may be left grows; so each is tried just before the next one.
      if (!is_end && !disk_->is_sync(event) && event % 16 != 0) continue;
      ++losses;
      const auto some = losses % 3 == 0 ? Loss::kTorn : losses % 3 == 1 ? Loss::kHoles : Loss::kAll;
      ASSERT_NO_FATAL_FAILURE(lose_power(seed, event, some));
      if (journal_rounds() == 1) continue;
      for (const auto loss : {Loss::kAll, Loss::kNothing, Loss::kTorn, Loss::kHoles}) {
        ASSERT_NO_FATAL_FAILURE(lose_power(seed, event, loss));
      }
    }
    RecordProperty("losses", static_cast<int>(losses));
    EXPECT_GT(losses, 50U);
  }
}

}  // namespace
}  // namespace kvmesh::test
