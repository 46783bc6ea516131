#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <string>

#include "common/number.h"

/// Checks of options that are numbers: the option library itself takes signs, octal and
/// hexadecimal, and makes the largest number of what does not fit.
namespace kvmesh::command {

inline CLI::Validator whole_number(std::uint64_t min = 0,
                                   std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
  return {[min, max](std::string& text) { return whole_number_fault(text, min, max); }, ""};
}

inline CLI::Validator decimal_number(double min, double max) {
  return {[min, max](std::string& text) { return decimal_fault(text, min, max); }, ""};
}

}  // namespace kvmesh::command
