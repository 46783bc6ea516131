#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/routing_table.h"

namespace kvmesh::verify {

/// A set of first bytes. A value type.
class ByteSet {
 public:
  void insert(std::uint8_t byte) { bytes_.set(byte); }
  void insert(ByteRange range);
  bool holds(std::uint8_t byte) const { return bytes_.test(byte); }
  bool empty() const { return bytes_.none(); }
  /// The lowest byte. REQUIRES: not empty.
  std::uint8_t first() const;
  bool is_one() const { return bytes_.count() == 1; }

  /// As few ranges as possible, ascending.
  std::vector<ByteRange> ranges() const;
  /// "a..m, 0x7b..0xff": ranges as tables have them, ends that are no letters as numbers, but
  /// for ranges of digits. "*" for all.
  std::string to_string() const;

  friend bool operator==(const ByteSet&, const ByteSet&) = default;

 private:
  std::bitset<256> bytes_;
};

/// One range in the same form.
std::string range_text(ByteRange range);

/// How well a bucket that begins with `byte` serves as an example: letters are more readable than
/// other characters, and those than bytes that cannot be typed.
int readability(std::uint8_t byte);

}  // namespace kvmesh::verify
