#pragma once

#include <cstddef>
#include <string_view>

/// What separates the words of a line. Pure functions.
namespace kvmesh::line {

/// White space of the line protocol.
inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Where the word that goes through `at` ends: at white space, or with the line. Quick for long
/// words. REQUIRES: at <= line.size().
std::size_t word_end(std::string_view line, std::size_t at);

}  // namespace kvmesh::line
