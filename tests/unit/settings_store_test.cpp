// `state_dir` and how [kv] keeps what is in it. Numbers are in settings_test.cpp.

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreSettings : public SettingsTest {
 protected:
  void write(std::string_view text) {
    sources_.files.clear();
    add_file("foo.toml", "name = \"foo@localhost\"\napps = [\"kv\"]\n" + std::string{text});
  }
  std::string faults_with(std::string_view text) {
    write(text);
    return faults();
  }
};

constexpr std::string_view kTable =
    "\n[kv]\nrouting_table = [{ range = \"*\", node = \"foo@localhost\" }]\n";

TEST_F(StoreSettings, AStateDirStartsAtTheFolderOfTheFileThatNamesIt) {
  write("state_dir = \"data/foo\"");
  const std::string folder = std::filesystem::path{sources_.files.at(0)}.parent_path();
  EXPECT_EQ(load().settings.state_dir, folder + "/data/foo");
  EXPECT_TRUE(load().settings.is_durable());
  EXPECT_EQ(load().settings.kv.durability, Durability::kAlways);
  write("state_dir = \"/var/lib/foo\"");
  EXPECT_EQ(load().settings.state_dir, "/var/lib/foo");
  sources_.assignments = {"state_dir=here"};
  EXPECT_EQ(load().settings.state_dir, "here");
}

TEST_F(StoreSettings, WithoutOneNothingIsKept) {
  write("");
  EXPECT_FALSE(load().settings.is_durable());
  write("state_dir = \"s\"\n[kv]\ndurability = \"none\"");
  EXPECT_FALSE(load().settings.is_durable());
  sources_.assignments = {"apps=[]"};
  write("state_dir = \"s\"");
  EXPECT_FALSE(load().settings.is_durable());
}

TEST_F(StoreSettings, WhatTheySayIsTakenOver) {
  write("state_dir = \"s\"\n[kv]\ndurability = \"everysec\"\nreads = \"undurable\"");
  EXPECT_EQ(load().settings.kv.durability, Durability::kEverySecond);
  EXPECT_TRUE(load().settings.kv.undurable_reads);
}

TEST_F(StoreSettings, WhatIsWrongIsSaid) {
  EXPECT_EQ(faults_with("state_dir = \"\""),
            "foo.toml:3: state_dir: is empty; name a folder, or leave the key out");
  EXPECT_THAT(faults_with("state_dir = 7"), HasSubstr("state_dir: is the integer 7"));
  EXPECT_THAT(faults_with("state_dir = \"a\\u0000b\""), HasSubstr("holds a zero byte"));
  EXPECT_THAT(faults_with("state_dir = \"s\"\n[kv]\ndurability = \"yes\""),
              HasSubstr("\"yes\" is none of them; write always, everysec or none"));
  EXPECT_THAT(faults_with("state_dir = \"s\"\n[kv]\nreads = \"fast\""),
              HasSubstr("\"fast\" is neither of them; write durable or undurable"));
}

TEST_F(StoreSettings, WhatNeedsAStateDirIsRefusedWithoutOneAndADefaultIsWarnedOf) {
  EXPECT_THAT(faults_with("[kv]\ndurability = \"everysec\""),
              HasSubstr("kv.durability: needs a state_dir, as nothing outlives a node"));
  EXPECT_THAT(faults_with("[kv]\nreads = \"undurable\""), HasSubstr("kv.reads: needs a state_dir"));
  write(std::string{kTable} + "durability = \"always\"");
  EXPECT_THAT(load().warnings, ElementsAre(HasSubstr("kv.durability: needs a state_dir")));
  write(std::string{kTable} + "durability = \"none\"");
  EXPECT_THAT(load().warnings, IsEmpty());
}

TEST_F(StoreSettings, AStateDirOfANodeWithoutBucketsIsWarnedOf) {
  sources_.assignments = {"apps=[]"};
  write("state_dir = \"s\"");
  EXPECT_THAT(load().warnings, testing::Contains(HasSubstr("state_dir: is of no use to a node")));
}

}  // namespace
}  // namespace kvmesh
