#include "common/utf8.h"

#include <algorithm>
#include <cstdint>

namespace kvmesh {
namespace {

bool is_in(std::uint8_t byte, int low, int high) { return low <= byte && byte <= high; }

}  // namespace

std::size_t utf8_sequence(std::string_view rest) {
  const auto at = [&](std::size_t i) {
    return i < rest.size() ? static_cast<std::uint8_t>(rest[i]) : std::uint8_t{0};
  };
  const auto follows = [&](std::size_t i, int low = 0x80, int high = 0xbf) {
    return is_in(at(i), low, high);
  };
  if (rest.empty()) return 0;
  const auto first = at(0);
  if (first < 0x80) return 1;
  if (is_in(first, 0xc2, 0xdf)) return follows(1) ? 2 : 0;
  if (is_in(first, 0xe0, 0xef)) {
    const bool second = follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && follows(2) ? 3 : 0;
  }
  if (is_in(first, 0xf0, 0xf4)) {
    const bool second = follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::string_view utf8_beginning(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  // Where the character begins that the end would cut.
  const auto least = bytes_max - std::min<std::size_t>(bytes_max, 3);
  for (auto at = bytes_max; at > least; --at) {
    const auto begin = at - 1;
    if (utf8_sequence(text.substr(begin)) > bytes_max - begin) return text.substr(0, begin);
  }
  return text.substr(0, bytes_max);
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = utf8_sequence(bytes);
    if (count == 0) return false;
    bytes.remove_prefix(count);
  }
  return true;
}

bool is_plain_character(std::string_view sequence) {
  if (sequence.empty()) return false;
  const auto first = static_cast<std::uint8_t>(sequence[0]);
  if (sequence.size() == 1) return first >= 0x20 && first < 0x7f;
  const auto second = static_cast<std::uint8_t>(sequence[1]);
  if (first == 0xc2) return second >= 0xa0;
  if (sequence == kByteOrderMark) return false;
  if (first != 0xe2) return true;
  const auto third = static_cast<std::uint8_t>(sequence[2]);
  const bool separates_or_turns = second == 0x80 && is_in(third, 0xa8, 0xae);  // U+2028 to U+202E
  const bool isolates = second == 0x81 && is_in(third, 0xa6, 0xa9);            // U+2066 to U+2069
  return !separates_or_turns && !isolates;
}

}  // namespace kvmesh
