#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvmesh::wire {

/// Reads msgpack values out of bytes that somebody else sent. Total: any bytes give an answer,
/// nothing is allocated and nothing after the end is touched. The first thing that does not fit
/// makes failed() true for good; every later read then returns an empty value, so a caller may read
/// a whole record and ask once. Format: https://github.com/msgpack/msgpack/blob/master/spec.md. Not
/// thread-safe.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  /// What the next value is, by its first byte; kEnd when nothing is left, kInvalid for the
  /// reserved byte 0xc1.
  enum class Type : std::uint8_t {
    kEnd,
    kNil,
    kBool,
    kUnsigned,
    kSigned,
    kFloat,
    kStr,
    kBin,
    kArray,
    kMap,
    kExt,
    kInvalid
  };
  Type peek() const {
    return rest_.empty() ? Type::kEnd : kTypes[static_cast<std::uint8_t>(rest_.front())];
  }

  void read_nil();
  bool read_bool();
  /// A non-negative integer of any width, signed or not.
  std::uint64_t read_uint() { return first() < 0x80 ? take_known_byte() : read_wide_uint(); }
  std::int64_t read_int();  ///< an integer of any width that fits
  double read_float();      ///< float 32 or float 64
  std::string_view read_str() {
    return (first() & 0xe0) == 0xa0 ? take(take_known_byte() & 0x1f) : read_long_str();
  }
  std::string_view read_bin() {
    if (first() != 0xc4 || rest_.size() < 2) return read_long_bin();
    const std::size_t bytes = static_cast<std::uint8_t>(rest_[1]);
    rest_.remove_prefix(2);
    return take(bytes);
  }
  /// bin, or str from languages that have no other.
  std::string_view read_bytes() { return peek() == Type::kStr ? read_str() : read_bin(); }
  /// The number of elements that follow.
  std::uint32_t read_array() {
    return (first() & 0xf0) == 0x90 ? take_known_byte() & 0x0f : read_long_array();
  }
  std::uint32_t read_map();  ///< the number of pairs that follow

  /// Passes over one value, however it nests. Fails on more than limits::kNestingMax levels or
  /// kValueItemsMax elements, so the work is bounded by the bytes that are there.
  void skip();

  /// What is not read yet.
  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }
  bool failed() const { return failed_; }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

 private:
  static const std::array<Type, 256> kTypes;  // by the first byte

  // The short forms, which nearly all values have, are read here; all others in reader.cpp.
  std::uint64_t read_wide_uint();
  std::string_view read_long_str();
  std::string_view read_long_bin();
  std::uint32_t read_long_array();

  // The next byte; the never used 0xc1 at the end.
  std::uint8_t first() const {
    return rest_.empty() ? 0xc1 : static_cast<std::uint8_t>(rest_.front());
  }
  // REQUIRES: first() was looked at and is no 0xc1.
  std::uint8_t take_known_byte() {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view out{rest_.data(), bytes};
    rest_.remove_prefix(bytes);
    return out;
  }
  std::uint8_t take_byte();
  std::uint64_t take_be(std::size_t bytes);
  std::int64_t take_signed(std::size_t bytes);

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace kvmesh::wire
