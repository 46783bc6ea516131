#pragma once

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/limits.h>

#include "common/number.h"

/// Numbers and durations as people write and read them, and checks of options that are numbers: the
/// option library itself takes signs, octal and hexadecimal, and makes the largest number of what
/// does not fit. Pure functions.
namespace kvmesh::command {

inline CLI::Validator whole_number(std::uint64_t min = 0,
                                   std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
  return {[min, max](std::string& text) { return whole_number_fault(text, min, max); }, ""};
}

inline CLI::Validator decimal_number(double min, double max) {
  return {[min, max](std::string& text) { return decimal_fault(text, min, max); }, ""};
}

/// 61234 as "61,234".
std::string grouped(std::uint64_t number);

/// A number with so many digits after the point: decimal(2.14, 1) is "2.1".
std::string decimal(double number, int digits);

/// 1536 as "1.5 KiB"; below 1024 as "17 B".
std::string byte_count(std::uint64_t bytes);

/// "250ms", "5s", "1.5s", "2m", "1h" or "7d": a number and its unit, without a space; "5" is 5
/// seconds. Empty when `text` is not of that form, is below one millisecond or over `most`.
std::optional<std::chrono::milliseconds> parse_duration(
    std::string_view text, std::chrono::milliseconds most = limits::kTimeoutMax);

/// A time that passed, in the unit that suits it: "85 us", "12.3 ms", "2.1 s", "3 min 05 s",
/// "2 h 10 min".
std::string duration_text(std::chrono::microseconds elapsed);

}  // namespace kvmesh::command
