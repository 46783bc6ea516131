#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/draft.h"
#include "common/config/faults.h"
#include "common/config/value.h"

namespace kvmesh::config {

/// One key of the configuration: all that is known about it. config/README.md says the same; a test
/// compares them.
struct KeySpec {
  std::string key;      // "mesh.listen"
  std::string type;     // as faults and the README call it
  std::string unit;     // empty: none
  std::string range;    // what is allowed, in words
  std::string meaning;  // one line
  bool required = false;
  bool optional = false;  // has no default: that it is missing means something no value means
  /// Judges `value` and stores it, or adds faults and marks the key as faulty.
  std::function<void(const Value& value, Draft& draft, Faults& faults)> store;
  /// The key's value as it would be written in TOML.
  std::function<std::string(const Settings& settings)> show;
};

/// Every key there is, in the order of the README.
const std::vector<KeySpec>& schema();

/// The default as TOML, "required", or "none" where the key is optional.
std::string default_text(const KeySpec& spec);

}  // namespace kvmesh::config
