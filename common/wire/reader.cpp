#include "common/wire/reader.h"

#include <bit>
#include <limits>

#include <kvmesh/limits.h>

namespace kvmesh::wire {
namespace {

// First bytes, as the msgpack specification names them.
constexpr std::uint8_t kFixMap = 0x80, kFixArray = 0x90, kFixStr = 0xa0, kNil = 0xc0,
                       kNeverUsed = 0xc1;
constexpr std::uint8_t kFalse = 0xc2, kTrue = 0xc3, kBin8 = 0xc4, kBin32 = 0xc6, kExt8 = 0xc7;
constexpr std::uint8_t kFloat32 = 0xca, kFloat64 = 0xcb, kUint8 = 0xcc, kUint64 = 0xcf,
                       kInt8 = 0xd0, kInt64 = 0xd3;
constexpr std::uint8_t kFixExt1 = 0xd4, kFixExt16 = 0xd8, kStr8 = 0xd9, kStr32 = 0xdb,
                       kArray16 = 0xdc;
constexpr std::uint8_t kArray32 = 0xdd, kMap16 = 0xde, kMap32 = 0xdf, kNegativeFix = 0xe0;

constexpr bool between(std::uint8_t byte, std::uint8_t low, std::uint8_t high) {
  return low <= byte && byte <= high;
}

// Widths double along a family of codes: uint8, uint16, uint32, uint64.
constexpr std::size_t width(std::uint8_t byte, std::uint8_t family) {
  return std::size_t{1} << (byte - family);
}

using Type = Reader::Type;

constexpr Type type_of(std::uint8_t b) {
  if (b < kFixMap || between(b, kUint8, kUint64)) return Type::kUnsigned;
  if (b < kFixArray || b == kMap16 || b == kMap32) return Type::kMap;
  if (b < kFixStr || b == kArray16 || b == kArray32) return Type::kArray;
  if (b < kNil || between(b, kStr8, kStr32)) return Type::kStr;
  if (b == kNil) return Type::kNil;
  if (b == kNeverUsed) return Type::kInvalid;
  if (b == kFalse || b == kTrue) return Type::kBool;
  if (between(b, kBin8, kBin32)) return Type::kBin;
  if (b == kFloat32 || b == kFloat64) return Type::kFloat;
  if (between(b, kInt8, kInt64) || b >= kNegativeFix) return Type::kSigned;
  return Type::kExt;
}

// How many bytes a value takes that begins so, of those that always take as many and hold no
// others; else 0.
constexpr std::uint8_t size_of(std::uint8_t b) {
  const auto narrow = [](std::size_t bytes) { return static_cast<std::uint8_t>(bytes); };
  if (b >= kFixStr && b < kNil) return narrow(1U + (b - kFixStr));
  if (between(b, kUint8, kUint64)) return narrow(1 + width(b, kUint8));
  if (between(b, kInt8, kInt64)) return narrow(1 + width(b, kInt8));
  if (between(b, kFixExt1, kFixExt16)) return narrow(2 + width(b, kFixExt1));
  if (b == kFloat32) return 5;
  if (b == kFloat64) return 9;
  return b < kFixMap || b == kNil || b == kFalse || b == kTrue || b >= kNegativeFix ? 1 : 0;
}

constexpr std::array<std::uint8_t, 256> all_sizes() {
  std::array<std::uint8_t, 256> out{};
  for (std::size_t byte = 0; byte < out.size(); ++byte) {
    out[byte] = size_of(static_cast<std::uint8_t>(byte));
  }
  return out;
}
constexpr auto kSizes = all_sizes();

constexpr std::array<Type, 256> all_types() {
  std::array<Type, 256> out{};
  for (std::size_t byte = 0; byte < out.size(); ++byte) {
    out[byte] = type_of(static_cast<std::uint8_t>(byte));
  }
  return out;
}

}  // namespace

constinit const std::array<Reader::Type, 256> Reader::kTypes = all_types();

std::uint8_t Reader::take_byte() {
  const auto bytes = take(1);
  return bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes.front());
}

std::uint64_t Reader::take_be(std::size_t bytes) {
  std::uint64_t out = 0;
  for (const char c : take(bytes)) out = out << 8 | static_cast<std::uint8_t>(c);
  return out;
}

std::int64_t Reader::take_signed(std::size_t bytes) {
  const auto shift = 64 - 8 * bytes;  // moves the sign bit to the top and back
  return static_cast<std::int64_t>(take_be(bytes) << shift) >> shift;
}

void Reader::read_nil() {
  if (take_byte() != kNil) fail();
}

bool Reader::read_bool() {
  const auto b = take_byte();
  if (b != kFalse && b != kTrue) fail();
  return b == kTrue;
}

std::uint64_t Reader::read_wide_uint() {
  const auto b = take_byte();
  if (between(b, kUint8, kUint64)) return take_be(width(b, kUint8));
  if (between(b, kInt8, kInt64)) {  // some packers write every integer in a signed form
    const auto value = take_signed(width(b, kInt8));
    if (value >= 0) return static_cast<std::uint64_t>(value);
  }
  fail();
  return 0;
}

std::int64_t Reader::read_int() {
  if (peek() == Type::kUnsigned) {
    const auto value = read_uint();
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return static_cast<std::int64_t>(value);
    }
    fail();
    return 0;
  }
  const auto b = take_byte();
  if (b >= kNegativeFix) return static_cast<std::int8_t>(b);
  if (between(b, kInt8, kInt64)) return take_signed(width(b, kInt8));
  fail();
  return 0;
}

double Reader::read_float() {
  const auto b = take_byte();
  if (b == kFloat32) return std::bit_cast<float>(static_cast<std::uint32_t>(take_be(4)));
  if (b == kFloat64) return std::bit_cast<double>(take_be(8));
  fail();
  return 0;
}

std::string_view Reader::read_long_str() {
  const auto b = take_byte();
  if (between(b, kStr8, kStr32)) return take(take_be(width(b, kStr8)));
  fail();
  return {};
}

std::string_view Reader::read_long_bin() {
  const auto b = take_byte();
  if (between(b, kBin8, kBin32)) return take(take_be(width(b, kBin8)));
  fail();
  return {};
}

std::uint32_t Reader::read_long_array() {
  const auto b = take_byte();
  if (b == kArray16) return static_cast<std::uint32_t>(take_be(2));
  if (b == kArray32) return static_cast<std::uint32_t>(take_be(4));
  fail();
  return 0;
}

std::uint32_t Reader::read_map() {
  const auto b = take_byte();
  if (b >= kFixMap && b < kFixArray) return b - kFixMap;
  if (b == kMap16) return static_cast<std::uint32_t>(take_be(2));
  if (b == kMap32) return static_cast<std::uint32_t>(take_be(4));
  fail();
  return 0;
}

void Reader::skip() {
  // left[d] values are still to come on level d; no recursion, so that depth costs nothing but this
  // array.
  std::uint64_t left[limits::kNestingMax + 1];  // NOLINT: each level is set when it is entered
  left[0] = 1;
  std::size_t depth = 0;
  std::uint64_t items = 0;
  auto rest = rest_;  // here, so that it stays in registers
  while (true) {
    while (left[depth] == 0) {
      if (depth-- > 0) continue;
      rest_ = rest;
      return;
    }
    --left[depth];
    // Nearly all values have a size that their first bytes tell: no jump for each type, which the
    // processor would foretell wrongly.
    const auto next = rest.empty() ? kNeverUsed : static_cast<std::uint8_t>(rest.front());
    const bool is_short_bin = next == kBin8 && rest.size() > 1;
    const std::size_t size =
        is_short_bin ? std::size_t{2} + static_cast<std::uint8_t>(rest[1]) : kSizes[next];
    if (size != 0 && size <= rest.size()) {
      rest.remove_prefix(size);
      continue;
    }
    rest_ = rest;
    std::uint64_t inside = 0;
    if (const auto type = peek(); type == Type::kBin) {
      read_bin();
    } else if (type == Type::kStr) {
      read_str();
    } else if (type == Type::kArray || type == Type::kMap) {
      if (depth == limits::kNestingMax) return fail();
      inside = type == Type::kArray ? read_array() : 2 * std::uint64_t{read_map()};
    } else if (type == Type::kExt) {
      const auto family = take_byte();
      take(1 + take_be(width(family, kExt8)));
    } else {
      fail();  // cut off, or the byte that is never used
    }
    if (failed_) return;
    rest = rest_;
    items += inside;
    if (inside == 0) continue;
    if (items > limits::kValueItemsMax) return fail();
    left[++depth] = inside;
  }
}

}  // namespace kvmesh::wire
