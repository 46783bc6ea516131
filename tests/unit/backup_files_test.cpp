// A backup's files: what was written is read, and no damage passes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/command/backup/backup_reader.h"
#include "client/command/backup/backup_writer.h"
#include "client/command/backup/restore_state.h"
#include "tests/unit/temporary_folder.h"

namespace kvmesh::command {
namespace {

using testing::HasSubstr;

const auto kGoOn = [](std::uint64_t) { return true; };

std::string content(const std::filesystem::path& path) {
  std::stringstream out;
  out << std::ifstream{path, std::ios::binary}.rdbuf();
  return out.str();
}
void overwrite(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << text;
}

class BackupFilesTest : public testing::Test {
 protected:
  std::string folder() const { return (folder_.path() / "backup").string(); }
  std::filesystem::path file(const std::string& name) const {
    return std::filesystem::path{folder()} / name;
  }
  static std::vector<BackupBlock> blocks() {
    return {{"empty", 7, 0, false, {}, {std::chrono::milliseconds{1000}, 4096}},
            {std::string("\0\xff\n", 3), 9, 0, true, {{"a", "1", 5, {}}, {"b", "", 6, 1'000}}},
            {std::string("\0\xff\n", 3), 9, 1, false, {{"c", std::string(3000, 'x'), 9, {}}}},
            {"z", 8, 0, false, {{"", std::string("\0", 1), 8, 253402300799000}}}};
  }
  void write(std::uint64_t file_bytes = BackupWriter::kFileBytes) {
    auto to = BackupWriter::create(folder(), file_bytes);
    ASSERT_TRUE(to.ok()) << to.status().text();
    for (const auto& block : blocks()) ASSERT_TRUE(to->add(block).ok());
    Manifest manifest;
    manifest.begun_ms = 1'700'000'000'123;
    manifest.ended_ms = 1'700'000'001'000;
    manifest.nodes = {{"foo@h", {{"a..m", "foo@h"}, {"*", "bar@h"}}}, {"bar@h", {}}};
    manifest.missing = {"node \"x\" is away"};
    ASSERT_TRUE(to->finish(std::move(manifest)).ok());
  }
  std::vector<BackupBlock> read(BackupPlace from = {}) {
    std::vector<BackupBlock> out;
    auto backup = BackupReader::open(folder());
    EXPECT_TRUE(backup.ok()) << backup.status().text();
    EXPECT_TRUE(backup->go_to(from).ok());
    while (true) {
      auto block = backup->next();
      EXPECT_TRUE(block.ok()) << block.status().text();
      if (!block || !*block) return out;
      out.push_back(*std::move(*block));
    }
  }
  std::string check() {
    auto backup = BackupReader::open(folder());
    return backup ? backup->check(kGoOn).text() : backup.status().text();
  }

  test::TemporaryFolder folder_;
};

TEST_F(BackupFilesTest, WhatIsWrittenIsRead) {
  write();
  EXPECT_EQ(read(), blocks());
  EXPECT_EQ(check(), "");
  auto backup = BackupReader::open(folder());
  EXPECT_EQ(backup->manifest().records(), 4U);
  EXPECT_EQ(backup->manifest().buckets(), 3U);
  EXPECT_EQ(backup->manifest().last_rev, 9U);
  EXPECT_EQ(backup->manifest().bytes(), content(file("000001.buckets")).size());
  EXPECT_EQ(backup->manifest().nodes[0].table[1].second, "bar@h");
  EXPECT_EQ(backup->manifest().missing.size(), 1U);
}

TEST_F(BackupFilesTest, ALongOneHasSeveralFilesAndIsReadFromAnyBlockOn) {
  write(40);
  auto backup = BackupReader::open(folder());
  EXPECT_GT(backup->manifest().files.size(), 2U);
  EXPECT_EQ(check(), "");
  const auto all = blocks();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto place = backup->place();
    EXPECT_EQ(read(place),
              (std::vector<BackupBlock>{all.begin() + static_cast<int>(i), all.end()}));
    ASSERT_TRUE(backup->next().ok());
  }
  EXPECT_EQ(backup->bytes_before(), backup->manifest().bytes());
}

TEST_F(BackupFilesTest, AnEmptyOneIsWhole) {
  auto to = BackupWriter::create(folder());
  ASSERT_TRUE(to->finish({}).ok());
  EXPECT_EQ(check(), "");
  EXPECT_TRUE(read().empty());
}

TEST_F(BackupFilesTest, OneThatWasNotFinishedIsNone) {
  auto to = BackupWriter::create(folder());
  ASSERT_TRUE(to->add(blocks().front()).ok());
  EXPECT_THAT(check(), HasSubstr("or one that was never finished"));
  const auto again = BackupWriter::create(folder());
  EXPECT_THAT(again.status().text(), HasSubstr("is not empty; name a new one"));
  EXPECT_THAT(BackupReader::open(folder() + "/no").status().text(), HasSubstr("No such file"));
}

TEST_F(BackupFilesTest, NoByteCanChangeAndNoneBeMissing) {
  write();
  const auto path = file("000001.buckets");
  const auto whole = content(path);
  for (std::size_t i = 0; i < whole.size(); i += i < 200 ? 1 : 37) {
    auto changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    overwrite(path, changed);
    EXPECT_THAT(check(), HasSubstr("000001.buckets")) << i;
    overwrite(path, whole.substr(0, i));
    EXPECT_NE(check(), "") << i;
  }
  overwrite(path, whole + "x");
  EXPECT_NE(check(), "");
  std::filesystem::remove(path);
  EXPECT_THAT(check(), HasSubstr("cannot open"));
  overwrite(path, whole);
  EXPECT_EQ(check(), "");
}

TEST_F(BackupFilesTest, RandomBytesAreNoBlockAndDoNoHarm) {
  std::mt19937_64 random{20261127};
  const auto good = pack_block(blocks()[1]).substr(kBlockHeadBytes);
  EXPECT_EQ(unpack_block(good).status().text(), "");
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = good;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const auto block = unpack_block(bytes);
    if (!block) continue;
    EXPECT_EQ(unpack_block(pack_block(*block).substr(kBlockHeadBytes)).status().text(), "");
  }
}

TEST_F(BackupFilesTest, AManifestThatIsNoneIsRefusedWithWhatIsWrong) {
  write();
  const auto path = file("manifest.json");
  const auto whole = content(path);
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = whole;
    text.replace(text.find(from), from.size(), to);
    overwrite(path, text);
    EXPECT_NE(check(), "") << to;
    overwrite(path, sealed(text));
    return check();
  };
  EXPECT_THAT(with("\"version\": 1", "\"version\": 2"), HasSubstr("of format 2"));
  EXPECT_THAT(with("kvmesh backup", "something"), HasSubstr("not that of a backup"));
  EXPECT_THAT(with("\"files\"", "\"filed\""), HasSubstr("\"files\" is missing"));
  EXPECT_THAT(with("\"last_rev\": 9", "\"last_rev\": \"9\""),
              HasSubstr("\"last_rev\" is of another"));
  EXPECT_THAT(with("000001.buckets", "../1.buckets"), HasSubstr("no name of a file"));
  EXPECT_THAT(with("\"records\":4", "\"records\":5"), HasSubstr("where the manifest says 5"));
  EXPECT_THAT(with("{\n", ""), HasSubstr("it is no JSON"));
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    auto changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    overwrite(path, changed);
    EXPECT_NE(check(), "") << i;
  }
  overwrite(path, whole);
  EXPECT_EQ(check(), "");
}

TEST(RestoreStateTest, IsReadAsItWasWritten) {
  RestoreState state;
  state.backup_begun_ms = 77;
  state.mode = "if-newer";
  state.place = {3, 12345};
  state.records = 678;
  state.timeout_ms = 5000;
  state.nodes = {{"a@h", 5, false}, {"b@h", 6, true}};
  state.failed = {"x", "\xff\n"};
  const auto read = parse_restore_state(to_text(state));
  ASSERT_TRUE(read.ok()) << read.status().text();
  EXPECT_EQ(*read, state);
  EXPECT_FALSE(parse_restore_state("{}").ok());
  EXPECT_FALSE(parse_restore_state("").ok());
}

TEST(RestoreStateTest, KnowsWhichNodesHaveLostWhatTheyHad) {
  const std::vector<RestoreState::Node> before{
      {"a@h", 1, false}, {"b@h", 2, true}, {"c@h", 3, false}};
  EXPECT_TRUE(losses_since(before, before).empty());
  const auto losses = losses_since(before, {{"a@h", 9, false}, {"b@h", 9, true}});
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_THAT(losses[0], HasSubstr("a@h was restarted"));
  EXPECT_THAT(losses[1], HasSubstr("c@h keeps nothing over a restart, and cannot be asked"));
  EXPECT_TRUE(have_same_names(before, {{"a@h", 7, true}, {"b@h", 8, false}, {"c@h", 9, true}}));
  EXPECT_FALSE(have_same_names(before, {{"a@h", 1, false}, {"b@h", 2, true}}));
}

}  // namespace
}  // namespace kvmesh::command
