#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/config/faults.h"
#include "common/config/value.h"

namespace kvmesh::config {

/// Reads a TOML document; every value's place is `path` and its line. Where the text is not TOML,
/// adds one fault (a TOML parser stops at the first) and gives nothing.
std::optional<Value> parse_toml(std::string_view text, const std::string& path, Faults& faults);

/// Reads what stands to the right of `=` in TOML; every place in it is `place`. Empty when it is
/// not one TOML value.
std::optional<Value> parse_toml_value(std::string_view text, const Place& place);

}  // namespace kvmesh::config
