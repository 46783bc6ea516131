#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

namespace kvmesh {

/// The bytes `first` to `last`, both included.
struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 255;

  /// Reads `a`, `a..m`, `0x00`, `0x00..0x1f`, mixed forms such as `a..0xff`, and `*` (every byte).
  /// kInvalidArgument, with what to write instead, when the text is none of these or is reversed.
  static Result<ByteRange> parse(std::string_view text);

  bool holds(std::uint8_t byte) const { return first <= byte && byte <= last; }
  /// The shortest form that parse() reads back as the same range.
  std::string to_string() const;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// First bytes, or hashes.
using RouteKeys = std::bitset<256>;

/// The runs of neighbours that are set, ascending.
std::vector<ByteRange> runs_of(const RouteKeys& keys);
/// The lowest that is set. REQUIRES: one is.
std::uint8_t lowest_of(const RouteKeys& keys);

/// For which buckets an entry of a table is: those whose name begins with one of some bytes, or
/// whose hash (route_hash()) is one of some numbers. A value type.
class RouteRange {
 public:
  enum class By : std::uint8_t { kFirstByte, kHash };

  /// By the first byte: all of them.
  RouteRange() : RouteRange(ByteRange{}) {}
  RouteRange(ByteRange bytes);  // NOLINT(google-explicit-constructor): each of these is one
  /// By the hash. REQUIRES: `hashes` is not empty.
  static RouteRange of_hashes(const RouteKeys& hashes);

  /// Reads what ByteRange::parse() does, and `hash:0x40`, `hash:0x00..0x7f`,
  /// `hash:0x00..0x1b,0x40` (several spans; they may touch and overlap) and `hash:*`.
  /// kInvalidArgument, with what to write instead.
  static Result<RouteRange> parse(std::string_view text);

  By by() const { return by_; }
  bool is_by_hash() const { return by_ == By::kHash; }
  /// First bytes or hashes.
  const RouteKeys& keys() const { return keys_; }
  /// REQUIRES: the name is not empty.
  bool holds(std::string_view bucket) const;
  /// What parse() reads back as the same range: the shortest form, spans ascending.
  std::string to_string() const;

  /// The same, cut behind some of its spans when it is long: planned tables have a hundred.
  std::string short_text() const;

  friend bool operator==(const RouteRange&, const RouteRange&) = default;

 private:
  RouteRange(By by, const RouteKeys& keys) : by_(by), keys_(keys) {}

  By by_ = By::kFirstByte;
  RouteKeys keys_;
};

/// Which part of an entry a bucket has matched.
struct RouteMatch {
  RouteRange::By by = RouteRange::By::kFirstByte;
  ByteRange span;         // the one that holds it
  std::uint8_t hash = 0;  // of the bucket; 0 when `by` is not kHash

  /// As paths and traces have it: "a..m", or "hash:0x3f (0x00..0x7f)".
  std::string to_string() const;
  friend bool operator==(const RouteMatch&, const RouteMatch&) = default;
};

/// "hash:0x3f".
std::string hash_text(std::uint8_t hash);

}  // namespace kvmesh
