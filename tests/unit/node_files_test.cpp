// The configurations of many nodes, read from files and directories.

#include "common/config/node_files.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

namespace fs = std::filesystem;

class NodeFilesTest : public SettingsTest {
 protected:
  void write(const std::string& name, std::string_view text) {
    fs::create_directories(fs::path{path(name)}.parent_path());
    add_file(name, text);
  }
  void write_node(const std::string& name, const std::string& node) {
    write(name, "name = \"" + node + "\"\napps = []\n");
  }

  // "FILE NODE" of each, the files without the test's own folder; or the faults.
  std::vector<std::string> read(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    std::ranges::transform(names, std::back_inserter(paths),
                           [&](const auto& name) { return path(name); });
    const auto files = read_node_files(paths);
    if (!files.ok()) {
      EXPECT_EQ(files.status().code(), StatusCode::kInvalidArgument);
      return {without_folder(files.status().text())};
    }
    std::vector<std::string> out;
    for (const auto& file : *files) {
      out.push_back(without_folder(file.path) + " " + file.loaded.settings.name.str());
    }
    return out;
  }
};

using Lines = std::vector<std::string>;

TEST_F(NodeFilesTest, ADirectoryIsItsTomlFilesInOrder) {
  write_node("mesh/foo.toml", "foo@h");
  write_node("mesh/bar.toml", "bar@h");
  write_node("mesh/.hidden.toml", "hidden@h");
  write_node("mesh/below/baz.toml", "baz@h");
  write("mesh/README.md", "no configuration");
  EXPECT_EQ(read({"mesh"}), (Lines{"mesh/bar.toml bar@h", "mesh/foo.toml foo@h"}));
}

TEST_F(NodeFilesTest, FilesKeepTheirOrderAndAnyName) {
  write_node("foo.conf", "foo@h");
  write_node("bar.toml", "bar@h");
  EXPECT_EQ(read({"foo.conf", "bar.toml"}), (Lines{"foo.conf foo@h", "bar.toml bar@h"}));
}

TEST_F(NodeFilesTest, AFileThatIsNamedTwiceCountsOnce) {
  write_node("mesh/foo.toml", "foo@h");
  write_node("mesh/bar.toml", "bar@h");
  EXPECT_EQ(read({"mesh/foo.toml", "mesh", "mesh/../mesh/foo.toml"}),
            (Lines{"mesh/foo.toml foo@h", "mesh/bar.toml bar@h"}));
}

TEST_F(NodeFilesTest, TwoFilesMayHaveTheSameName) {
  write_node("one.toml", "foo@h");
  write_node("two.toml", "foo@h");
  EXPECT_EQ(read({"one.toml", "two.toml"}), (Lines{"one.toml foo@h", "two.toml foo@h"}));
}

TEST_F(NodeFilesTest, EveryFaultOfEveryFileIsTold) {
  write("mesh/foo.toml", "name = \"foo@h\"\n");
  write("mesh/bar.toml", "name = 5\napps = []\n");
  write_node("mesh/baz.toml", "baz@h");
  const auto told = read({"mesh", "nowhere.toml"}).front();
  EXPECT_NE(told.find("mesh/bar.toml:1: name: "), std::string::npos) << told;
  EXPECT_NE(told.find("mesh/foo.toml: apps: is missing"), std::string::npos) << told;
  EXPECT_NE(told.find("nowhere.toml: file: cannot be read: No such file or directory"),
            std::string::npos)
      << told;
}

TEST_F(NodeFilesTest, ADirectoryWithoutConfigurationsIsAFault) {
  fs::create_directories(path("empty"));
  EXPECT_EQ(read({"empty"}).front(),
            "empty: directory: holds no file that ends in .toml; name the files, or the directory "
            "that holds them");
  EXPECT_EQ(read({}).front(), "no configuration is named; name files or directories");
}

TEST_F(NodeFilesTest, WarningsComeWithEachFile) {
  write_node("foo.toml", "foo@h");
  const auto files = read_node_files({path("foo.toml")});
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->front().loaded.warnings.size(), 1U);  // it has no table
}

}  // namespace
}  // namespace kvmesh
