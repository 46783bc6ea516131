#pragma once

#include <algorithm>
#include <cstddef>
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

/// The text of a refusal: faults, one a line, each with its place and its key.
inline void check_faults(const std::string& text) {
  check(!text.empty(), "a refusal has reasons");
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    check(text.substr(at, end - at).find(": ") != std::string::npos,
          "a fault has a place and a key", text);
    at = end + 1;
  }
}

}  // namespace kvmesh::fuzz
