#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "common/config/load.h"
#include "tests/unit/temporary_folder.h"

namespace kvmesh {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Loads configurations that a test writes down, from a directory of their own. Paths in texts are
/// shown without it.
class SettingsTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  void add_file(const std::string& name, std::string_view text) {
    std::ofstream{path(name), std::ios::binary} << text;
    sources_.files.push_back(path(name));
  }

  /// Empty when the configuration is good.
  std::string faults() const {
    const auto loaded = load_settings(sources_);
    if (loaded.ok()) return {};
    EXPECT_EQ(loaded.status().code(), StatusCode::kInvalidArgument);
    return without_folder(loaded.status().text());
  }

  LoadedSettings load() const {
    auto loaded = load_settings(sources_);
    EXPECT_TRUE(loaded.ok()) << loaded.status().text();
    if (!loaded.ok()) return {};
    for (std::string& warning : loaded->warnings) warning = without_folder(std::move(warning));
    return std::move(*loaded);
  }

  std::string without_folder(std::string text) const {
    const std::string folder = folder_.path().string() + "/";
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.erase(at, folder.size());
    return text;
  }

  SettingsSources sources_;

 private:
  test::TemporaryFolder folder_;
};

}  // namespace kvmesh
