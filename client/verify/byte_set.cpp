#include "client/verify/byte_set.h"

#include <cstdlib>

namespace kvmesh::verify {
namespace {

bool is_lower(std::uint8_t byte) { return byte >= 'a' && byte <= 'z'; }
bool is_letter(std::uint8_t byte) { return is_lower(byte) || (byte >= 'A' && byte <= 'Z'); }
bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

std::string end_text(std::uint8_t byte, bool as_character) {
  if (as_character) return std::string(1, static_cast<char>(byte));
  constexpr const char* kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

}  // namespace

std::string range_text(ByteRange range) {
  if (range.first == range.last || (range.first == 0 && range.last == 255)) {
    return range.to_string();
  }
  // 0..9 is clear, while 1..0x60 looks like a number.
  const bool digits = is_digit(range.first) && is_digit(range.last);
  return end_text(range.first, digits || is_letter(range.first)) + ".." +
         end_text(range.last, digits || is_letter(range.last));
}

int readability(std::uint8_t byte) {
  if (is_lower(byte)) return 3;
  if (is_letter(byte) || is_digit(byte)) return 2;
  return byte > 0x20 && byte < 0x7f ? 1 : 0;
}

std::uint8_t ByteSet::first() const {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (bytes_.test(i)) return static_cast<std::uint8_t>(i);
  }
  std::abort();  // an empty set has none
}

void ByteSet::insert(ByteRange range) {
  for (std::size_t i = range.first; i <= range.last; ++i) bytes_.set(i);
}

std::vector<ByteRange> ByteSet::ranges() const {
  std::vector<ByteRange> out;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (!bytes_.test(i)) continue;
    const auto byte = static_cast<std::uint8_t>(i);
    if (out.empty() || out.back().last + 1 != byte) {
      out.push_back({byte, byte});
    } else {
      out.back().last = byte;
    }
  }
  return out;
}

std::string ByteSet::to_string() const {
  std::string out;
  for (const auto range : ranges()) out.append(out.empty() ? "" : ", ").append(range_text(range));
  return out;
}

}  // namespace kvmesh::verify
