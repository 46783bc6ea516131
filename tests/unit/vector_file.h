#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

/// Reads the golden vectors of common/vectors; their README.md explains the format.
namespace kvmesh {

struct Vector {
  std::string file;
  std::string name;
  std::string bytes;
  std::string means;    // JSON, or empty
  std::string reads;    // JSON, or empty
  std::string refused;  // a reason, or empty
};

/// "01 ff 00*3" or "01ff" as bytes.
inline std::string from_hex(const std::string& text) {
  std::string out;
  std::istringstream words{text};
  for (std::string word; words >> word;) {
    if (const auto star = word.find('*'); star != std::string::npos) {
      const auto byte = static_cast<char>(std::stoi(word.substr(0, star), nullptr, 16));
      out.append(std::stoul(word.substr(star + 1)), byte);
      continue;
    }
    for (std::size_t i = 0; i + 1 < word.size(); i += 2) {
      out += static_cast<char>(std::stoi(word.substr(i, 2), nullptr, 16));
    }
  }
  return out;
}

inline void add_line(Vector& vector, const std::string& key, const std::string& rest) {
  if (key == "name") {
    vector.name = rest;
  } else if (key == "hex") {
    vector.bytes += from_hex(rest);
  } else if (key == "means") {
    vector.means = rest;
  } else if (key == "reads") {
    vector.reads = rest;
  } else if (key == "refused") {
    vector.refused = rest;
  } else if (key != "note") {
    ADD_FAILURE() << vector.file << ": what is " << key << "?";
  }
}

/// All vectors of a file in common/vectors; a test failure for one without a name, a meaning or a
/// reason.
inline std::vector<Vector> read_vectors(const std::string& file) {
  std::ifstream in{std::string{KVMESH_SOURCE_DIR} + "/common/vectors/" + file};
  std::vector<Vector> out;
  std::set<std::string> names;
  Vector next;
  const auto finish = [&] {
    if (next.name.empty()) return;
    EXPECT_TRUE(names.insert(next.name).second) << file << ": " << next.name << " is there twice";
    EXPECT_FALSE(next.means.empty() && next.reads.empty() && next.refused.empty())
        << file << ": " << next.name;
    out.push_back(std::move(next));
  };
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    if (line.empty()) {
      finish();
      next = {};
      continue;
    }
    next.file = file;
    const auto space = std::min(line.find(' '), line.size());
    const auto value = std::min(line.find_first_not_of(' ', space), line.size());
    add_line(next, line.substr(0, space), line.substr(value));
  }
  finish();
  return out;
}

}  // namespace kvmesh
