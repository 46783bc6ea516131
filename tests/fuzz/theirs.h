#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string_view>

#include <kvmesh/limits.h>

#include <msgpack/unpack.hpp>

/// msgpack-cxx's judgement, to compare ours with.
namespace kvmesh::fuzz {

struct Theirs {
  msgpack::object_handle value;
  std::size_t taken = 0;
};

/// The first value in `bytes` and how many bytes it took; empty when it is malformed, or nests
/// deeper than `depth`.
inline std::optional<Theirs> unpack_theirs(std::string_view bytes, std::size_t depth) {
  // No container in an input of so many bytes can be whole with more elements than that.
  const auto size = bytes.size();
  const msgpack::unpack_limit limit{size, size, size, size, size, depth};
  try {
    Theirs out;
    out.value = msgpack::unpack(bytes.data(), size, out.taken, nullptr, nullptr, limit);
    return out;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

/// The fields of an array that is all there is in `bytes`; empty for anything else. Depths of
/// fields are left to within().
inline std::optional<Theirs> unpack_fields(std::string_view bytes) {
  auto out = unpack_theirs(bytes, limits::kNestingMax + 4);
  if (!out || out->taken != bytes.size()) return std::nullopt;
  if (out->value.get().type != msgpack::type::ARRAY) return std::nullopt;
  return out;
}

inline std::span<const msgpack::object> elements(const msgpack::object& value) {
  return {value.via.array.ptr, value.via.array.size};
}

/// How many containers `value` nests; an empty one is a level, too.
inline std::size_t depth_of(const msgpack::object& value) {
  std::size_t inside = 0;
  if (value.type == msgpack::type::ARRAY) {
    for (const auto& element : elements(value)) inside = std::max(inside, depth_of(element));
    return inside + 1;
  }
  if (value.type != msgpack::type::MAP) return 0;
  for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
    inside = std::max(inside, depth_of(value.via.map.ptr[i].key));
    inside = std::max(inside, depth_of(value.via.map.ptr[i].val));
  }
  return inside + 1;
}

/// What Reader::skip() passes over. Documented difference: msgpack itself has no limit.
inline bool within(const msgpack::object& value) { return depth_of(value) <= limits::kNestingMax; }

inline bool is_uint(const msgpack::object& value) {
  return value.type == msgpack::type::POSITIVE_INTEGER;
}
inline bool is_str(const msgpack::object& value) { return value.type == msgpack::type::STR; }
inline bool is_bin(const msgpack::object& value) { return value.type == msgpack::type::BIN; }
inline bool is_array(const msgpack::object& value) { return value.type == msgpack::type::ARRAY; }
/// REQUIRES: is_str(value).
inline std::string_view str_of(const msgpack::object& value) {
  return {value.via.str.ptr, value.via.str.size};
}
/// REQUIRES: is_bin(value).
inline std::string_view bin_of(const msgpack::object& value) {
  return {value.via.bin.ptr, value.via.bin.size};
}

}  // namespace kvmesh::fuzz
