#include "client/command/base/numbers.h"

#include <kvmesh/limits.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace kvmesh::command {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) {
    digits.insert(digits.size() - from_end, 1, ',');
  }
  return digits;
}

std::string decimal(double number, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  return text.data();
}

std::string byte_count(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 6> kSizeUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (size >= 1023.95 && unit + 1 < kSizeUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return decimal(size, 1) + " " + kSizeUnits[unit];
}

namespace {

// Names that end in another's come first; a number alone is seconds.
constexpr std::array<std::pair<std::string_view, double>, 6> kTimeUnits = {{{"ms", 1.0},
                                                                            {"s", 1000.0},
                                                                            {"m", 60'000.0},
                                                                            {"h", 3'600'000.0},
                                                                            {"d", 86'400'000.0},
                                                                            {"", 1000.0}}};

// Plain decimal digits with at most one point: no sign, exponent, hexadecimal or "inf".
std::optional<double> parse_decimal(std::string_view text) {
  const bool plain = text.find_first_not_of("0123456789.") == std::string_view::npos &&
                     text.find('.') == text.rfind('.') && text != "." && !text.empty();
  if (!plain || text.size() > 16) return std::nullopt;
  return std::strtod(std::string{text}.c_str(), nullptr);
}

std::string two_parts(std::int64_t large, const char* large_unit, std::int64_t small,
                      const char* small_unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%lld %s %02lld %s", static_cast<long long>(large),
                large_unit, static_cast<long long>(small), small_unit);
  return text.data();
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                        std::chrono::milliseconds most) {
  for (const auto& [unit, factor] : kTimeUnits) {
    if (!text.ends_with(unit)) continue;
    const auto number = parse_decimal(text.substr(0, text.size() - unit.size()));
    if (!number) return std::nullopt;
    const double milliseconds = std::round(*number * factor);
    if (milliseconds < 1 || milliseconds > static_cast<double>(most.count())) {
      return std::nullopt;
    }
    return std::chrono::milliseconds{static_cast<std::int64_t>(milliseconds)};
  }
  return std::nullopt;
}

std::string duration_text(std::chrono::microseconds elapsed) {
  const auto count = elapsed.count();
  const auto real = static_cast<double>(count);
  if (count < 1000) return std::to_string(count) + " us";
  if (count < 1'000'000) return decimal(real / 1e3, 1) + " ms";
  if (count < 60'000'000) return decimal(real / 1e6, 1) + " s";
  const auto seconds = count / 1'000'000;
  if (seconds < 3600) return two_parts(seconds / 60, "min", seconds % 60, "s");
  return two_parts(seconds / 3600, "h", seconds % 3600 / 60, "min");
}

}  // namespace kvmesh::command
