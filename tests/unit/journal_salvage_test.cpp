// What is left of a damaged state folder, and is accepted.
#include <filesystem>
#include <random>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_damage_fixture.h"

namespace kvmesh::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class JournalSalvage : public JournalDamage {};

// What a damaged file has is lost, and nothing else becomes what it never was; from then on the
// folder is as good as any.
TEST_F(JournalSalvage, WhatIsLeftOfADamagedDatabaseIsAccepted) {
  const auto written = everything_written(story_.count());
  std::mt19937_64 random{kDamageSeed + 3};
  std::size_t mended = 0;
  for (std::uint64_t i = 0; i < 2 * journal_rounds(); ++i) {
    for (const auto& file : files_) {
      if (!file.starts_with("db/")) continue;
      const auto path = fresh_copy();
      auto bytes = content(path + file);
      const auto at = bytes.empty() ? 0 : random() % bytes.size();
      SCOPED_TRACE(file + ", " + (i == 0 ? "missing" : "byte " + std::to_string(at)));
      if (i == 0) {
        fs::remove(path + file);
      } else if (!bytes.empty()) {
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        replace(path + file, bytes);
      }
      auto asked = options("copy");
      asked.accept_loss = true;
      std::uint64_t revision = 0;
      JournalModel left;
      {
        OpenJournal journal{asked};
        ASSERT_TRUE(journal.ok()) << journal.status().text();
        expect_written(journal.model(), written);
        left = journal.model();
        revision = journal.revision();
        EXPECT_EQ(journal->recovered().losses.empty(),
                  left == story_.model() && !fs::exists(path + "losses"));
        if (fs::exists(path + "db.damaged-1")) {
          ++mended;
          std::set<std::string> names;
          for (const auto& [id, bucket] : left.buckets) {
            EXPECT_TRUE(names.insert(bucket.name).second) << bucket.name << " is there twice";
          }
          EXPECT_THAT(content(path + "losses"), AllOf(HasSubstr("what could be read: "),
                                                      HasSubstr("the damaged files are in ")));
        }
      }
      asked.accept_loss = false;
      OpenJournal journal{asked};
      ASSERT_TRUE(journal.ok()) << journal.status().text();
      EXPECT_EQ(journal.model(), left);
      EXPECT_EQ(journal.revision(), revision);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(mended, 5U);
}

// Nor does a key come back with what it had earlier.
TEST_F(JournalSalvage, ADamagedBlockLosesNoOther) {
  settle();
  const auto table = largest_table();
  const auto whole = content(folder("sample") + "/" + table);
  for (std::size_t part = 0; part < 6; ++part) {  // the rest is the index
    const auto path = fresh_copy();
    auto bytes = whole;
    const auto at = 10 + part * bytes.size() / 8;
    SCOPED_TRACE(table + ", byte " + std::to_string(at) + " of " + std::to_string(bytes.size()));
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    replace(path + table, bytes);
    EXPECT_TRUE(all_or_refused()) << "also where it has only what was dropped";
    for (const auto& file : files_) {
      const auto expected = file == table ? bytes : content(folder("sample") + "/" + file);
      EXPECT_EQ(content(path + file), expected) << file << " was changed";
    }
    auto asked = options("copy");
    asked.accept_loss = true;
    OpenJournal journal{asked};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    ASSERT_TRUE(fs::exists(path + "db.damaged-1"));
    EXPECT_GT(expect_last_values(journal.model()), 0U);
  }
}

TEST_F(JournalSalvage, ARefusalNamesTheTableAndItsBuckets) {
  settle();
  const auto table = largest_table();
  const auto path = fresh_copy();
  auto bytes = content(path + table);
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  replace(path + table, bytes);
  OpenJournal journal{options("copy")};
  EXPECT_THAT(
      journal.status().text(),
      AllOf(HasSubstr(" is damaged: "), HasSubstr(fs::path{table}.filename().string() + " ("),
            HasSubstr(" bytes, of the bucket"), HasSubstr("--accept-loss")));
}

TEST_F(JournalSalvage, ARepairThatWasBrokenOffIsFinished) {
  settle();
  const auto table = largest_table();
  const auto path = fresh_copy();
  fs::remove(path + table);
  auto asked = options("copy");
  asked.accept_loss = true;
  JournalModel left;
  {
    OpenJournal journal{asked};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    left = journal.model();
  }
  // As if the node had been killed before the last step, and one step earlier, too.
  fs::rename(path + "db", path + "db.repaired");
  EXPECT_TRUE(all_or_refused());
  {
    OpenJournal journal{asked};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    EXPECT_EQ(journal.model(), left);
    EXPECT_THAT(journal->recovered().losses.back(), HasSubstr("db.damaged-1"));
  }
  // What was left before the last step is not taken for what is there now.
  fs::create_directory(path + "db.repaired");
  {
    OpenJournal journal{asked};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    EXPECT_EQ(journal.model(), left);
  }
  fs::rename(path + "db", path + "db.repairing");
  fs::rename(path + "db.damaged-1", path + "db");
  OpenJournal journal{asked};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), left);
}

}  // namespace
}  // namespace kvmesh::test
