// Files of a state folder that are damaged or missing: all is there, or it is refused.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_disk.h"
#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

constexpr std::uint64_t kDamageSeed = 31;

class JournalDamage : public JournalTest {
 protected:
  // Tables and a log: what a process leaves that is killed when all was acknowledged.
  void SetUp() override {
    const auto disk = std::make_shared<JournalDisk>(folder("whole"));
    auto options = this->options("whole");
    options.file_system = disk;
    OpenJournal journal{options};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    for (int i = 0; i < 700 || log_bytes() < 8000; ++i) {
      ASSERT_TRUE(journal.append(story_).ok());
      if (i % 10 == 0) {
        ASSERT_TRUE(journal.wait());
      }
    }
    ASSERT_TRUE(journal.wait());
    disk->rebuild(disk->events(), JournalDisk::Loss::kNothing, 0, folder("sample"));
    for (const auto& entry : fs::recursive_directory_iterator{folder("sample")}) {
      const auto path = fs::relative(entry.path(), folder("sample")).string();
      // Those that nobody reads.
      if (!entry.is_regular_file() || path == "lock" || path == "db/LOCK") continue;
      if (path.starts_with("db/LOG")) continue;
      files_.push_back(path);
    }
    std::sort(files_.begin(), files_.end());
  }

  journal::Options options(const std::string& name) const {
    auto options = JournalTest::options(name);
    options.memtable_bytes = std::size_t{64} << 10;
    options.file_system = std::make_shared<JournalDisk>(folder(name));
    return options;
  }

  // Of the log that is being written.
  std::uint64_t log_bytes() const {
    std::string last;
    for (const auto& entry : fs::directory_iterator{folder("whole") + "/db"}) {
      if (entry.path().extension() == ".log") last = std::max(last, entry.path().string());
    }
    return last.empty() ? 0 : fs::file_size(last);
  }

  std::string fresh_copy() const {
    fs::remove_all(folder("copy"));
    fs::copy(folder("sample"), folder("copy"), fs::copy_options::recursive);
    return folder("copy") + "/";
  }
  // Whether the file is there after an opening that found nothing wrong.
  bool kept(const std::string& file) {
    const auto path = fresh_copy() + file;
    EXPECT_FALSE(all_or_refused());
    return fs::exists(path);
  }
  std::string log() const {
    const auto is_log = [](const auto& path) { return path.ends_with(".log"); };
    return *std::find_if(files_.rbegin(), files_.rend(), is_log);
  }
  static std::string content(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static void replace(const std::string& path, const std::string& content) {
    std::ofstream{path, std::ios::binary} << content;
  }

  // True: it was refused.
  bool all_or_refused() {
    OpenJournal journal{options("copy")};
    if (!journal.ok()) {
      EXPECT_THAT(journal.status().text(), HasSubstr("state_dir \"" + folder("copy") + "\""));
      EXPECT_THAT(journal.status().text(), AnyOf(HasSubstr("estore it from a backup"),
                                                 HasSubstr("; use"), HasSubstr("; give")));
      return true;
    }
    EXPECT_EQ(journal.model(), story_.model());
    EXPECT_EQ(journal.revision(), story_.count());
    return false;
  }

  JournalStory story_{kDamageSeed};
  std::vector<std::string> files_;
};

TEST_F(JournalDamage, TheSampleHasTablesAndALog) {
  const auto has = [this](const std::string& end) {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const auto& path) { return path.ends_with(end); });
  };
  EXPECT_TRUE(has(".sst"));
  EXPECT_TRUE(has(".log"));
  EXPECT_GT(content(folder("sample") + "/" + log()).size(), 8000U);
  fresh_copy();
  EXPECT_FALSE(all_or_refused());
}

TEST_F(JournalDamage, FlippedBytesLoseNothingInSilence) {
  std::mt19937_64 random{kDamageSeed};
  std::size_t refused = 0;
  for (std::uint64_t i = 0; i < 12 * journal_rounds(); ++i) {
    for (const auto& file : files_) {
      const auto path = fresh_copy() + file;
      auto bytes = content(path);
      if (bytes.empty()) continue;
      // The ends of files are where damage is mistaken for the end.
      const auto at = i % 3 == 0
                          ? bytes.size() - 1 - random() % std::min<std::size_t>(bytes.size(), 64)
                          : random() % bytes.size();
      SCOPED_TRACE(file + ", byte " + std::to_string(at) + " of " + std::to_string(bytes.size()));
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      replace(path, bytes);
      refused += all_or_refused() ? 1 : 0;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(refused, 20U);
}

TEST_F(JournalDamage, ZeroedPagesLoseNothingInSilence) {
  std::mt19937_64 random{kDamageSeed + 1};
  std::size_t refused = 0;
  for (std::uint64_t i = 0; i < 5 * journal_rounds(); ++i) {
    for (const auto& file : files_) {
      const auto path = fresh_copy() + file;
      auto bytes = content(path);
      if (bytes.empty()) continue;
      const auto size = std::size_t{512} << random() % 4;
      const auto at = random() % bytes.size() / size * size;
      SCOPED_TRACE(file + ", " + std::to_string(size) + " bytes at " + std::to_string(at) + " of " +
                   std::to_string(bytes.size()));
      const auto end = std::min(at + size, bytes.size());
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
      replace(path, bytes);
      refused += all_or_refused() ? 1 : 0;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(refused, 10U);
}

TEST_F(JournalDamage, CutFilesLoseNothingInSilence) {
  std::mt19937_64 random{kDamageSeed + 2};
  std::size_t refused = 0;
  for (std::uint64_t i = 0; i < 4 * journal_rounds(); ++i) {
    for (const auto& file : files_) {
      const auto path = fresh_copy() + file;
      const auto size = fs::file_size(path);
      if (size == 0) continue;
      const auto left = i == 0 ? size - 1 : random() % size;
      SCOPED_TRACE(file + ", cut to " + std::to_string(left) + " of " + std::to_string(size));
      fs::resize_file(path, left);
      refused += all_or_refused() ? 1 : 0;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(refused, 10U);
}

TEST_F(JournalDamage, AMissingFileLosesNothingInSilence) {
  std::vector<std::string> unneeded;
  for (const auto& file : files_) {
    fs::remove(fresh_copy() + file);
    SCOPED_TRACE(file);
    if (!all_or_refused()) unneeded.push_back(file);
  }
  for (const auto& file : unneeded) {
    // What was waiting for its removal is removed by an opening, too.
    EXPECT_TRUE(file.starts_with("db/OPTIONS") || file == "db/IDENTITY" || !kept(file)) << file;
  }
  fresh_copy();
  fs::remove_all(folder("copy") + "/db");
  EXPECT_TRUE(all_or_refused());
}

TEST_F(JournalDamage, ARefusalChangesNothing) {
  const auto path = fresh_copy();
  auto bytes = content(path + log());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  replace(path + log(), bytes);
  EXPECT_TRUE(all_or_refused());
  for (const auto& file : files_) {
    const auto expected = file == log() ? bytes : content(folder("sample") + "/" + file);
    EXPECT_EQ(content(path + file), expected) << file;
  }
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  replace(path + log(), bytes);
  EXPECT_FALSE(all_or_refused());
}

TEST_F(JournalDamage, LossesAreAcceptedOnlyWhenAsked) {
  const auto path = fresh_copy();
  fs::resize_file(path + log(), fs::file_size(path + log()) / 2);
  auto asked = options("copy");
  {
    OpenJournal journal{asked};
    EXPECT_THAT(journal.status().text(),
                AllOf(HasSubstr("acknowledged changes are lost: "), HasSubstr(" groups, "),
                      HasSubstr("its log ends with group "), HasSubstr("--accept-loss"),
                      HasSubstr("Nothing in it was changed")));
  }
  asked.accept_loss = true;
  std::uint64_t revision = 0;
  {
    OpenJournal journal{asked};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    revision = journal.revision();
    EXPECT_LT(revision, story_.count());
    EXPECT_GT(revision, 0U);
    EXPECT_EQ(journal.model(), JournalStory::after(kDamageSeed, revision));
    ASSERT_EQ(journal->recovered().losses.size(), 1U);
    const auto losses = content(path + "losses");
    EXPECT_THAT(losses,
                AllOf(HasSubstr(" accepted: acknowledged changes are lost: "), HasSubstr("Z ")));
    EXPECT_THAT(journal->recovered().losses.front() + "\n", HasSubstr(losses));
  }
  asked.accept_loss = false;
  OpenJournal journal{asked};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.revision(), revision);
  EXPECT_TRUE(journal->recovered().losses.empty());
}

TEST_F(JournalDamage, AMissingMarkerIsALossToAccept) {
  const auto path = fresh_copy();
  fs::remove(path + "durable");
  EXPECT_TRUE(all_or_refused());
  auto asked = options("copy");
  asked.accept_loss = true;
  {
    OpenJournal journal{asked};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    EXPECT_EQ(journal.model(), story_.model());
    EXPECT_THAT(journal->recovered().losses.at(0), HasSubstr("`durable` is missing or damaged"));
  }
  EXPECT_FALSE(all_or_refused());
}

TEST_F(JournalDamage, AcceptingALossLosesNothingWhenNothingIsLost) {
  fresh_copy();
  auto asked = options("copy");
  asked.accept_loss = true;
  OpenJournal journal{asked};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), story_.model());
  EXPECT_TRUE(journal->recovered().losses.empty());
  EXPECT_FALSE(fs::exists(folder("copy") + "/losses"));
}

}  // namespace
}  // namespace kvmesh::test
