#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

/// Numbers as people write them: what does not fit is refused, never cut. Pure functions.
namespace kvmesh {

/// Decimal digits alone, without a sign and without zeros before the first; empty for anything else
/// and for what is over 2^64 - 1.
std::optional<std::uint64_t> parse_whole_number(std::string_view text);

/// Why `text` is no whole number from `min` to `max`; empty when it is one.
std::string whole_number_fault(std::string_view text, std::uint64_t min = 0,
                               std::uint64_t max = std::numeric_limits<std::uint64_t>::max());

/// The same for a finite decimal number: digits, perhaps a point and an exponent.
std::string decimal_fault(std::string_view text, double min, double max);

}  // namespace kvmesh
