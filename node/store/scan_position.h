#pragma once

#include <cstdint>

namespace kvmesh::store {

// Where a walk over an OwningSet is: it goes through all values that the bits of a hash below can
// have, in the order of those bits reversed. A table has the hashes that end in certain bits, so it
// has one stretch of that order. Splitting and joining tables only cuts or joins stretches.
using ScanPosition = std::uint64_t;
inline constexpr ScanPosition kScanEnd = std::uint64_t{1} << 32;

// The bits of a hash that choose a table; a table itself uses those below, and the registry of
// buckets the topmost.
inline std::uint32_t scan_bits(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32);
}

inline std::uint32_t reversed(std::uint32_t bits) {
  bits = __builtin_bswap32(bits);
  bits = (bits & 0x0f0f0f0f) << 4 | (bits >> 4 & 0x0f0f0f0f);
  bits = (bits & 0x33333333) << 2 | (bits >> 2 & 0x33333333);
  return (bits & 0x55555555) << 1 | (bits >> 1 & 0x55555555);
}

inline ScanPosition position_of(std::uint64_t hash) { return reversed(scan_bits(hash)); }
// REQUIRES: position < kScanEnd.
inline std::uint32_t bits_at(ScanPosition position) {
  return reversed(static_cast<std::uint32_t>(position));
}

}  // namespace kvmesh::store
