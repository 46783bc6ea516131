// Files of a state folder that are damaged or missing: all is there, or it is refused.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
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
  // Of those that are needed: others wait for their removal.
  std::string largest_table() {
    const auto size = [this](const auto& file) {
      return file.ends_with(".sst") && kept(file) ? fs::file_size(folder("sample") + "/" + file)
                                                  : 0;
    };
    return *std::ranges::max_element(files_, {}, size);
  }
  static std::string content(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static void replace(const std::string& path, const std::string& content) {
    std::ofstream{path, std::ios::binary} << content;
  }

  // All values that keys of a bucket had at any time, by the bucket's name.
  using Written = std::map<std::string, std::map<std::string, std::set<std::string>>>;
  static Written everything_written(std::uint64_t count) {
    Written out;
    JournalStory story{kDamageSeed};
    while (story.count() < count) {
      story.advance();
      for (const auto& [id, bucket] : story.model().buckets) {
        for (const auto& [key, value] : bucket.keys) out[bucket.name][key].insert(value.value);
      }
    }
    return out;
  }
  static void expect_written(const JournalModel& model, const Written& written) {
    for (const auto& [id, bucket] : model.buckets) {
      for (const auto& [key, value] : bucket.keys) {
        const auto name = written.find(bucket.name);
        ASSERT_TRUE(name != written.end() && name->second.contains(key)) << key;
        EXPECT_TRUE(name->second.at(key).contains(value.value)) << key;
      }
    }
  }

  // How many keys there are.
  static std::size_t keys_of(const JournalModel& model) {
    std::size_t out = 0;
    for (const auto& [id, bucket] : model.buckets) out += bucket.keys.size();
    return out;
  }
  std::size_t expect_last_values(const JournalModel& model) const {
    const auto& buckets = story_.model().buckets;
    for (const auto& [id, bucket] : model.buckets) {
      const auto known = buckets.find(id);
      if (known == buckets.end()) {
        ADD_FAILURE() << bucket.name << " was dropped";
        continue;
      }
      for (const auto& [key, value] : bucket.keys) {
        const auto last = known->second.keys.find(key);
        EXPECT_TRUE(last != known->second.keys.end() && last->second == value)
            << bucket.name << " " << key << " of revision " << value.revision;
      }
    }
    return keys_of(model);
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

// What a damaged file has is lost, and nothing else becomes what it never was; from then on the
// folder is as good as any.
TEST_F(JournalDamage, WhatIsLeftOfADamagedDatabaseIsAccepted) {
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
TEST_F(JournalDamage, ADamagedBlockLosesNoOther) {
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

TEST_F(JournalDamage, ARefusalNamesTheTableAndItsBuckets) {
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

TEST_F(JournalDamage, ARepairThatWasBrokenOffIsFinished) {
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
  }
  fs::rename(path + "db", path + "db.repairing");
  fs::rename(path + "db.damaged-1", path + "db");
  OpenJournal journal{asked};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), left);
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
