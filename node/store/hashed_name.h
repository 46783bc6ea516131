#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "common/name_hash.h"

namespace kvmesh::store {

// A name with its hash, which is computed once for an operation, and before any lock is taken.
struct HashedName {
  explicit HashedName() = default;  // of no name: to be assigned to
  template <std::convertible_to<std::string_view> Text>
  HashedName(const Text& bytes)  // NOLINT: implicit, so that a name can be given as it is
      : HashedName(bytes, name_hash(bytes)) {}
  // REQUIRES: name_hash == kvmesh::name_hash(bytes).
  HashedName(std::string_view bytes, std::uint64_t name_hash) : name(bytes), hash(name_hash) {}

  std::string_view name;
  std::uint64_t hash = 0;
};

}  // namespace kvmesh::store
