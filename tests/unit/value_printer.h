#pragma once

#include <ostream>

#include <kvmesh/value.h>

namespace kvmesh {

/// How GoogleTest shows a Value. Every file of a test program that compares Values includes this.
inline void PrintTo(const Value& value, std::ostream* out) {  // NOLINT: GoogleTest wants this name
  *out << value.to_json();
}

}  // namespace kvmesh
