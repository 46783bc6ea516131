#pragma once

#include <cstdint>
#include <cstring>

namespace kvmesh::journal {

/// Integers as they stand on the disk: big-endian, so that keys sort as their numbers do.
inline char* put_u64(std::uint64_t number, char* to) {
  for (int shift = 56; shift >= 0; shift -= 8) *to++ = static_cast<char>(number >> shift);
  return to;
}

inline std::uint64_t get_u64(const char* from) {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<unsigned char>(from[i]);
  return number;
}

/// In memory only: in the machine's own order.
inline char* put_raw(std::uint32_t number, char* to) {
  std::memcpy(to, &number, sizeof number);
  return to + sizeof number;
}

inline std::uint32_t get_raw(const char* from) {
  std::uint32_t number = 0;
  std::memcpy(&number, from, sizeof number);
  return number;
}

}  // namespace kvmesh::journal
