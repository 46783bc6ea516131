#include "tests/scenario/story.h"

#include <fstream>
#include <string_view>

#include "tests/scenario/commands.h"

namespace kvmesh::scenario {
namespace {

constexpr std::string_view kDivider = "----";

std::string play(const Story::Block& block, Commands& commands) {
  std::string out;
  for (const auto& line : block.head) {
    if (!line.starts_with('#')) out += commands.run(line);
  }
  return out;
}

}  // namespace

Story read_story(const std::filesystem::path& path) {
  Story story;
  std::ifstream in{path};
  std::string line;
  bool in_block = false;
  bool in_expected = false;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) {
      in_block = in_expected = false;
      continue;
    }
    if (!in_block) {
      story.blocks.push_back({{}, {}, number});
      in_block = true;
    }
    auto& block = story.blocks.back();
    if (in_expected) {
      block.expected += line + "\n";
    } else if (line == kDivider) {
      in_expected = true;
    } else {
      block.head.push_back(line);
    }
  }
  return story;
}

void write_story(const std::filesystem::path& path, const Story& story) {
  std::ofstream out{path};
  std::string_view between;
  for (const auto& block : story.blocks) {
    out << between;
    for (const auto& line : block.head) out << line << '\n';
    if (!block.expected.empty()) out << kDivider << '\n' << block.expected;
    between = "\n";
  }
}

Story replay(const Story& story, std::vector<std::string>& faults) {
  const auto fault = [&](std::size_t line, std::string what) {
    faults.push_back(std::to_string(line) + ": " + std::move(what));
  };
  if (story.blocks.empty() || !story.blocks[0].head[0].starts_with("# ")) {
    fault(1, "a story begins with a comment that states the property");
  }
  Commands commands;
  Story out = story;
  bool any = false;
  for (auto& block : out.blocks) {
    block.expected = play(block, commands);
    any = any || !block.expected.empty();
    if (block.expected.starts_with("??") || block.expected.find("\n??") != std::string::npos) {
      fault(block.line, block.expected);
    }
  }
  if (!any) fault(1, "nothing happens in this story");
  return out;
}

}  // namespace kvmesh::scenario
