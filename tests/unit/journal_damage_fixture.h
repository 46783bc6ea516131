#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_disk.h"
#include "journal_fixture.h"

namespace kvmesh::test {

inline constexpr std::uint64_t kDamageSeed = 31;

/// Copies of a state folder, whose files the tests damage.
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
    find_files();
  }

  void find_files() {
    files_.clear();
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder("sample")}) {
      const auto path = std::filesystem::relative(entry.path(), folder("sample")).string();
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
    for (const auto& entry : std::filesystem::directory_iterator{folder("whole") + "/db"}) {
      if (entry.path().extension() == ".log") last = std::max(last, entry.path().string());
    }
    return last.empty() ? 0 : std::filesystem::file_size(last);
  }

  std::string fresh_copy() const {
    std::filesystem::remove_all(folder("copy"));
    std::filesystem::copy(folder("sample"), folder("copy"),
                          std::filesystem::copy_options::recursive);
    return folder("copy") + "/";
  }
  // Whether the file is there after an opening that found nothing wrong.
  bool kept(const std::string& file) {
    const auto path = fresh_copy() + file;
    EXPECT_FALSE(all_or_refused());
    return std::filesystem::exists(path);
  }
  std::string log() const {
    const auto is_log = [](const auto& path) { return path.ends_with(".log"); };
    return *std::find_if(files_.rbegin(), files_.rend(), is_log);
  }
  // Everything is in tables afterwards, as when a node has stopped.
  void settle() {
    { const OpenJournal journal{options("sample")}; }
    find_files();
  }
  // Of those that are needed: others wait for their removal.
  std::string largest_table() {
    const auto size = [this](const auto& file) {
      return file.ends_with(".sst") && kept(file)
                 ? std::filesystem::file_size(folder("sample") + "/" + file)
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
      EXPECT_THAT(journal.status().text(),
                  testing::HasSubstr("state_dir \"" + folder("copy") + "\""));
      EXPECT_THAT(journal.status().text(),
                  testing::AnyOf(testing::HasSubstr("estore it from a backup"),
                                 testing::HasSubstr("; use"), testing::HasSubstr("; give")));
      return true;
    }
    EXPECT_EQ(journal.model(), story_.model());
    EXPECT_EQ(journal.revision(), story_.count());
    return false;
  }

  JournalStory story_{kDamageSeed};
  std::vector<std::string> files_;
};

}  // namespace kvmesh::test
