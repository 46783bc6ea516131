#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// Durations as people write and read them. Pure functions.
namespace kvmesh::command {

/// "250ms", "5s", "1.5s", "2m" or "1h": a number and its unit, without a space; "5"
/// is 5 seconds. Empty when `text`
/// is not of that form, is below one millisecond or over limits::kTimeoutMax.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A time that passed, in the unit that suits it: "85 us", "12.3 ms", "2.1 s", "3 min 05 s",
/// "2 h 10 min".
std::string duration_text(std::chrono::microseconds elapsed);

}  // namespace kvmesh::command
