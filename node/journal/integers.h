#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace kvmesh::journal {

/// Integers as they stand on the disk: big-endian, so that keys sort as their numbers do.
inline std::uint64_t swapped(std::uint64_t number) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(number) : number;
}

inline char* put_u64(std::uint64_t number, char* to) {
  number = swapped(number);
  std::memcpy(to, &number, sizeof number);
  return to + sizeof number;
}

inline std::uint64_t get_u64(const char* from) {
  std::uint64_t number = 0;
  std::memcpy(&number, from, sizeof number);
  return swapped(number);
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
