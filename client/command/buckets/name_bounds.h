#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "common/routing_table.h"

/// A part of the names of buckets, in the order of their bytes. Pure functions.
namespace kvmesh::command {

struct NameBounds {
  std::string after;               // names are greater than this one
  std::optional<std::string> end;  // and smaller than this one; empty: up to the last

  bool is_before_end(std::string_view name) const { return !end || name < *end; }
  /// The same part, but for names up to `name`.
  void begin_after(const std::string& name) { after = std::max(after, name); }
};

/// All names that begin with a byte of the range.
NameBounds names_in(ByteRange range);

/// All names that begin with `prefix`, itself included; all names when it is empty.
NameBounds names_with(std::string_view prefix);

}  // namespace kvmesh::command
