#pragma once

#include <array>
#include <bitset>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/routing_table.h"

namespace kvmesh::verify {

/// A set of names of buckets, as tables tell them apart: by first byte, and by hash. Exact: a name
/// has one of 256 first bytes and one of 256 hashes. A value type.
class NameSet {
 public:
  /// All names that begin with this byte.
  void insert(std::uint8_t byte) { hashes_of_[byte].set(); }
  /// All that an entry with this range is for.
  void insert(const RouteRange& range);
  /// Those that begin with one of the bytes and have one of the hashes.
  void insert(const RouteKeys& bytes, const RouteKeys& hashes);
  void insert(const NameSet& other);
  void remove(const NameSet& other);

  /// REQUIRES: the name is not empty.
  bool holds(std::string_view bucket) const;
  bool empty() const;
  /// All names of exactly one first byte.
  bool is_one() const;
  /// Whether the first byte alone says which names are here.
  bool is_by_bytes() const;
  /// The first bytes of the names.
  RouteKeys first_bytes() const;

  /// By what sets are put in order: the lowest byte, and the lowest of its hashes. REQUIRES: not
  /// empty.
  struct First {
    std::uint8_t byte = 0;
    std::uint8_t hash = 0;
    friend auto operator<=>(const First&, const First&) = default;
  };
  First first() const;

  /// "a..m", "0x7b..0xff": ranges as tables have them, as few as possible, ascending; ends that are
  /// no letters as numbers, but for ranges of digits. "hash:0x00..0x7f" where hashes decide, and
  /// "hash:0x00..0x7f (of n..z)" where they do so for some bytes only.
  std::vector<std::string> texts() const;
  /// These, with commas between. "*" for all.
  std::string to_string() const;

  friend bool operator==(const NameSet&, const NameSet&) = default;

 private:
  std::array<RouteKeys, 256> hashes_of_;  // by first byte
};

/// The names in both.
NameSet common_to(const NameSet& one, const NameSet& other);

/// One range in the form of NameSet::texts().
std::string range_text(ByteRange range);

/// How well a bucket that begins with `byte` serves as an example: letters are more readable than
/// other characters, and those than bytes that cannot be typed.
int readability(std::uint8_t byte);

/// A short name that begins with `byte` and has one of these hashes. REQUIRES: there is a hash.
std::string example_name(std::uint8_t byte, const RouteKeys& hashes);

}  // namespace kvmesh::verify
