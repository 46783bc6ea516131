#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenario/story.h"

namespace {

namespace fs = std::filesystem;

// A story holds when its commands print exactly what it says.
class StoryTest : public testing::Test {
 public:
  StoryTest(fs::path path, bool rewrite) : path_(std::move(path)), rewrite_(rewrite) {}

  void TestBody() override {
    const auto story = kvmesh::scenario::read_story(path_);
    std::vector<std::string> faults;
    const auto played = kvmesh::scenario::replay(story, faults);
    for (const auto& fault : faults) ADD_FAILURE() << path_.string() << ":" << fault;
    if (rewrite_) return kvmesh::scenario::write_story(path_, played);
    for (std::size_t i = 0; i < story.blocks.size(); ++i) {
      EXPECT_EQ(story.blocks[i].expected, played.blocks[i].expected)
          << path_.string() << ":" << story.blocks[i].line;
    }
  }

 private:
  fs::path path_;
  bool rewrite_;
};

std::vector<fs::path> all_stories() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator{KVMESH_STORIES_DIR}) {
    if (entry.path().extension() == ".txt" && entry.path().stem() != "CMakeLists") {
      out.push_back(entry.path());
    }
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

// kvmesh_scenarios [--rewrite] [STORY.txt ...]: plays these stories, or all.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  bool rewrite = false;
  std::vector<fs::path> paths;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--rewrite") {
      rewrite = true;
    } else {
      paths.emplace_back(argv[i]);
    }
  }
  if (paths.empty()) paths = all_stories();
  for (const auto& path : paths) {
    if (!fs::exists(path)) {
      std::fprintf(stderr, "%s: no such story\n", path.c_str());
      return 2;
    }
    testing::RegisterTest("Story", path.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [=]() -> testing::Test* { return new StoryTest(path, rewrite); });
  }
  return RUN_ALL_TESTS();
}
