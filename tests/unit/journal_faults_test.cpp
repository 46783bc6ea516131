// A disk that is full or breaks, at each call in turn.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_disk.h"
#include "journal_fixture.h"

// RocksDB 7.8 loses the memtables of a flush that fails in the wrong moment.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:rocksdb::DBImpl::SwitchMemtable";
}

namespace kvmesh::test {
namespace {

using journal::Durability;
using rocksdb::IOStatus;
using testing::AnyOf;
using testing::HasSubstr;

constexpr std::uint64_t kFaultsSeed = 21;

class JournalFaults : public JournalTest, public testing::WithParamInterface<Durability> {
 protected:
  journal::Options options(const std::shared_ptr<JournalDisk>& disk,
                           const std::string& root) const {
    auto options = JournalTest::options();
    options.state_dir = folder(root) + "/state";
    options.durability = GetParam();
    options.memtable_bytes = std::size_t{64} << 10;
    options.file_system = disk;
    return options;
  }

  // A short life with a restart in it; gives what was acknowledged. An error ends it.
  std::uint64_t live(const std::shared_ptr<JournalDisk>& disk, std::uint64_t& issued) {
    JournalStory story{kFaultsSeed};
    std::uint64_t acknowledged = 0;
    for (int life = 0; life < 2; ++life) {
      const auto before = story.count();
      OpenJournal journal{options(disk, "disk")};
      if (!journal.ok()) {
        EXPECT_THAT(journal.status().text(), HasSubstr("state_dir"));
        // RocksDB takes some errors for a file system without direct I/O.
        EXPECT_THAT(journal.status().text(), AnyOf(HasSubstr("IO error"), HasSubstr("Direct I/O")));
        break;
      }
      bool works = true;
      for (int i = 0; i < 110 && works; ++i) {
        if (const auto status = journal.append(story); !status.ok()) {
          EXPECT_EQ(status.code(), StatusCode::kUnavailable);
          EXPECT_THAT(status.text(), HasSubstr("the journal failed: "));
          works = false;
        }
        if (i % 4 == 3) works = works && journal.wait();
      }
      works = works && journal.wait();
      EXPECT_TRUE(works || journal->failure());
      acknowledged = before + journal->durable();
      const auto closed = journal->close();
      if (!works) {
        EXPECT_FALSE(closed.ok());
        break;
      }
      // A flush that failed at the end: what was acknowledged is in the log.
      if (!closed.ok()) break;
    }
    issued = story.count();
    return acknowledged;
  }

  // With a sound disk: all that was acknowledged is there.
  void expect_sound(const std::string& root, std::uint64_t acknowledged, std::uint64_t issued) {
    OpenJournal journal{options(std::make_shared<JournalDisk>(folder(root)), root)};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    EXPECT_GE(journal.revision(), acknowledged);
    EXPECT_LE(journal.revision(), issued);
    EXPECT_EQ(journal.model(), JournalStory::after(kFaultsSeed, journal.revision()));
  }

  // Call number `call` fails. How often a call failed.
  std::size_t break_at(std::size_t call, const IOStatus& error, bool forever) {
    SCOPED_TRACE("call " + std::to_string(call) + ", " + error.ToString() +
                 (forever ? ", and all later ones" : ""));
    std::filesystem::remove_all(folder("disk"));
    std::filesystem::create_directories(folder("disk"));
    auto disk = std::make_shared<JournalDisk>(folder("disk"));
    disk->fail(call, error, forever);
    std::uint64_t issued = 0;
    const auto acknowledged = live(disk, issued);
    disk->fail(0, {}, false);
    expect_sound("disk", acknowledged, issued);
    if (GetParam() == Durability::kAlways) {
      disk->rebuild(disk->events(), JournalDisk::Loss::kAll, call, folder("after"));
      expect_sound("after", acknowledged, issued);
    }
    return disk->failed();
  }
};

INSTANTIATE_TEST_SUITE_P(Durabilities, JournalFaults,
                         testing::Values(Durability::kAlways, Durability::kEverySecond),
                         [](const auto& tested) {
                           return tested.param == Durability::kAlways ? "Always" : "EverySecond";
                         });

TEST_P(JournalFaults, NothingAcknowledgedIsLostWhicheverCallFails) {
  const std::vector<std::pair<IOStatus, bool>> faults{{IOStatus::NoSpace("No space left"), true},
                                                      {IOStatus::IOError("EIO"), true},
                                                      {IOStatus::IOError("EIO"), false},
                                                      {IOStatus::NoSpace("No space left"), false}};
  std::size_t kind = 0;
  std::size_t failures = 0;
  const std::size_t step = journal_rounds() == 1 ? 9 : 1;
  for (std::size_t call = 1;; call += step) {
    const auto& [error, forever] = faults[kind++ % faults.size()];
    const auto failed = break_at(call, error, forever);
    if (HasFailure() || failed == 0) break;
    ++failures;
    if (journal_rounds() == 1) continue;
    for (const auto& [other, always] : faults) break_at(call, other, always);
  }
  EXPECT_GT(failures, 20U);
}

TEST_P(JournalFaults, AFailedSyncIsTheEnd) {
  auto disk = std::make_shared<JournalDisk>(folder("disk"));
  std::filesystem::create_directories(folder("disk"));
  JournalStory story{kFaultsSeed};
  std::atomic<int> told{0};
  OpenJournal journal{options(disk, "disk"), [&] { ++told; }};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(journal.append(story).ok());
  ASSERT_TRUE(journal.wait());
  const auto durable = journal->durable();
  disk->fail(disk->calls() + 1, IOStatus::IOError("EIO"), false);
  ASSERT_TRUE(journal.append(story).ok());
  EXPECT_FALSE(journal.wait());
  EXPECT_EQ(journal->durable(), durable);
  EXPECT_THAT(*journal->failure(), HasSubstr("EIO"));
  // The disk works again, and nothing is tried again.
  EXPECT_THAT(journal.append(story).text(), HasSubstr("EIO"));
  EXPECT_THAT(journal.append(story).text(), HasSubstr("until the node restarts"));
  EXPECT_EQ(journal->durable(), durable);
  EXPECT_FALSE(journal->close().ok());
  EXPECT_GE(told, 2);
}

}  // namespace
}  // namespace kvmesh::test
