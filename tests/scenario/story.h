#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kvmesh::scenario {

/// A story file: blocks of comments, commands, the line `----`, and what the commands must print,
/// up to an empty line.
struct Story {
  struct Block {
    std::vector<std::string> head;  // comments and commands
    std::string expected;
    std::size_t line = 0;  // where the block begins, from 1
  };
  std::vector<Block> blocks;
};

Story read_story(const std::filesystem::path& path);
void write_story(const std::filesystem::path& path, const Story& story);

/// The same story with what its commands really print. `faults` gets what is wrong with the story
/// itself, or with the core in any story, "LINE: what" each.
Story replay(const Story& story, std::vector<std::string>& faults);

}  // namespace kvmesh::scenario
