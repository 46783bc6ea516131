#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace kvmesh::fuzz {

/// Ends the process with `what` did not hold: a fuzzer keeps the input, a test fails.
inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}
inline void check(bool holds, const char* what, const std::string& detail) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", what, detail.c_str());
  std::abort();
}

}  // namespace kvmesh::fuzz
