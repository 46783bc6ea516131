#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmesh::sim {

/// A promise that was broken.
struct Violation {
  std::string_view check;  // its name, of a fixed set: "answered_twice"
  std::string text;        // what happened, where and when
};

/// The promises that a run has broken, the first ones only.
class Violations {
 public:
  static constexpr std::size_t kKept = 10;

  void add(std::string_view check, std::string text) {
    if (found_.size() < kKept) found_.push_back({check, std::move(text)});
  }
  bool any() const { return !found_.empty(); }
  const std::vector<Violation>& found() const { return found_; }

 private:
  std::vector<Violation> found_;
};

}  // namespace kvmesh::sim
