#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvmesh {

/// The secret of a keyed hash.
struct HashKey {
  unsigned long long words[2];  // NOLINT: the type that the library takes
};

/// SipHash-1-3: without the key nobody can find two names of one hash faster than by trying.
std::uint64_t sip_hash(const HashKey& key, std::string_view bytes);

/// The hash for every table whose names strangers choose, under a key that the kernel drew when
/// this process began. It differs from process to process, so nothing that a node tells or keeps
/// may depend on it. Thread-safe.
std::uint64_t name_hash(std::string_view name);

/// The same for containers; finds by std::string_view.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const { return name_hash(name); }
};

}  // namespace kvmesh
