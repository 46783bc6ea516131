#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <msgpack/pack.hpp>

#include "common/wire/buffer.h"

/// Writes msgpack values, with msgpack-cxx's packer, after what `out` already holds. Always the
/// shortest form, but of what is open; a float is always float 64.
namespace kvmesh::wire {

inline void pack_nil(Buffer& out) { msgpack::packer<Buffer>{out}.pack_nil(); }
inline void pack_bool(Buffer& out, bool value) {
  auto packer = msgpack::packer<Buffer>{out};
  value ? packer.pack_true() : packer.pack_false();
}
inline void pack_uint(Buffer& out, std::uint64_t value) {
  msgpack::packer<Buffer>{out}.pack_unsigned_long_long(value);
}
inline void pack_int(Buffer& out, std::int64_t value) {
  msgpack::packer<Buffer>{out}.pack_long_long(value);
}
inline void pack_float(Buffer& out, double value) {
  // By hand: the packer writes 2.0 as the integer 2.
  const auto bits = std::bit_cast<std::uint64_t>(value);
  out.push_back('\xcb');
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(bits >> shift));
}
inline void pack_array(Buffer& out, std::size_t elements) {
  msgpack::packer<Buffer>{out}.pack_array(static_cast<std::uint32_t>(elements));
}
/// A number below 2^32 that is known only later: returns where to put_u32() it.
inline std::size_t pack_open_uint(Buffer& out) {
  out.push_back('\xce');  // uint 32, whatever it is
  return out.skip(4);
}
/// The head of an array whose count is known only at its end: returns where to put_u32() it.
inline std::size_t pack_open_array(Buffer& out) {
  out.push_back('\xdd');  // array 32: the count takes four bytes, whatever it is
  return out.skip(4);
}
inline void pack_map(Buffer& out, std::size_t pairs) {
  msgpack::packer<Buffer>{out}.pack_map(static_cast<std::uint32_t>(pairs));
}
inline void pack_str(Buffer& out, std::string_view text) {
  auto packer = msgpack::packer<Buffer>{out};
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}
inline void pack_bin(Buffer& out, std::string_view bytes) {
  auto packer = msgpack::packer<Buffer>{out};
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

}  // namespace kvmesh::wire
