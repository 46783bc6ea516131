#include "common/route_hash.h"

#define XXH_INLINE_ALL  // NOLINT: the library's own name
#include <xxhash.h>

namespace kvmesh {

std::string_view hash_tag(std::string_view bucket) {
  const auto open = bucket.find('{');
  if (open == std::string_view::npos) return bucket;
  const auto close = bucket.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return bucket;
  return bucket.substr(open + 1, close - open - 1);
}

std::uint8_t route_hash(std::string_view bucket) {
  const auto hashed = hash_tag(bucket);
  return static_cast<std::uint8_t>(XXH3_64bits(hashed.data(), hashed.size()) >> 56);
}

}  // namespace kvmesh
