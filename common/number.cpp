#include "common/number.h"

#include <array>
#include <charconv>
#include <cmath>

#include "common/text.h"

namespace kvmesh {
namespace {

std::string shortest(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

}  // namespace

std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  const bool zeros = text.size() > 1 && text.front() == '0';
  if (read.ec != std::errc{} || read.ptr != end || zeros) return std::nullopt;
  return number;
}

std::string whole_number_fault(std::string_view text, std::uint64_t min, std::uint64_t max) {
  const auto number = parse_whole_number(text);
  if (number && min <= *number && *number <= max) return "";
  return in_quotes(text) + " is no whole number from " + std::to_string(min) + " to " +
         std::to_string(max);
}

std::string decimal_fault(std::string_view text, double min, double max) {
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  const bool read_all = read.ec == std::errc{} && read.ptr == end && std::isfinite(number);
  if (read_all && min <= number && number <= max) return "";
  return in_quotes(text) + " is no number from " + shortest(min) + " to " + shortest(max);
}

}  // namespace kvmesh
