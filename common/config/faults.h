#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/value.h"

namespace kvmesh::config {

/// What is wrong (or odd) with a configuration: all of it, so that one run shows everything there
/// is to mend.
class Faults {
 public:
  /// `text` says what is wrong and, after a semicolon, what to do.
  void add(const Place& place, std::string_view key, std::string_view text);

  bool empty() const { return faults_.empty(); }
  /// One line each, `PLACE: KEY: text`: files first, and the faults of a file in the order of its
  /// lines.
  std::vector<std::string> lines() const;

 private:
  struct Fault {
    Place place;
    std::string line;
  };
  std::vector<Fault> faults_;
};

}  // namespace kvmesh::config
