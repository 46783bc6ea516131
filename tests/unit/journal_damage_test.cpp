// Files of a state folder that are damaged or missing: all is there, or it is refused.
#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_damage_fixture.h"

namespace kvmesh::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

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
