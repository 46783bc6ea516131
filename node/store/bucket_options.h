#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmesh::store {

/// What a bucket may have of its own.
struct BucketOptions {
  /// Of keys that are put without a time to live; none: they live for ever.
  std::optional<std::uint64_t> ttl_ms{};
  /// Changes are remembered up to so many bytes, whether somebody follows the bucket or not; none:
  /// while somebody does.
  std::optional<std::uint64_t> history_bytes{};

  bool any() const { return ttl_ms || history_bytes; }
  friend bool operator==(const BucketOptions&, const BucketOptions&) = default;
};

/// These, but for what `change` says: 0 takes an option away.
BucketOptions changed(const BucketOptions& options, const BucketOptions& change);

/// As they stand in the log; empty: there are none. read_options() reads them; none: these bytes
/// are no options.
std::string pack_options(const BucketOptions& options);
std::optional<BucketOptions> read_options(std::string_view bytes);
inline constexpr std::size_t kOptionsBytesMax = 24;

}  // namespace kvmesh::store
