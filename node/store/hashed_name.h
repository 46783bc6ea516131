#pragma once

#include <cstdint>
#include <string_view>

#include "common/name_hash.h"

namespace kvmesh::store {

// A name with its hash, which is computed once, and before any lock is taken.
struct HashedName {
  explicit HashedName(std::string_view bytes) : HashedName(bytes, name_hash(bytes)) {}
  // REQUIRES: name_hash == kvmesh::name_hash(bytes).
  HashedName(std::string_view bytes, std::uint64_t name_hash) : name(bytes), hash(name_hash) {}

  std::string_view name;
  std::uint64_t hash;
};

}  // namespace kvmesh::store
