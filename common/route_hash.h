#pragma once

#include <cstdint>
#include <string_view>

namespace kvmesh {

/// The hash by which a bucket is looked up in entries such as `hash:0x00..0x7f`: the highest byte
/// of XXH3-64 with seed 0 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md) of the bucket's
/// name, or of its tag when it has one. It is the same on all machines, for ever: tables and what
/// nodes keep depend on it (common/PROTOCOL.md has vectors). Thread-safe.
std::uint8_t route_hash(std::string_view bucket);

/// What of a name is hashed: what stands between the first `{` and the next `}`, unless that is
/// empty; else all of it. So "{user:7}:cart" and "{user:7}:orders" live together. The rule is that
/// of Redis Cluster's hash tags (https://redis.io/docs/reference/cluster-spec/#hash-tags).
std::string_view hash_tag(std::string_view bucket);

}  // namespace kvmesh
