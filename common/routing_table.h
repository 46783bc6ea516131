#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "common/names.h"
#include "common/route_range.h"

namespace kvmesh {

/// One line of a table: requests for buckets in `range` belong to `node`.
struct RouteEntry {
  RouteRange range;
  NodeName node;
  friend bool operator==(const RouteEntry&, const RouteEntry&) = default;
};

/// A node's routing table: entries in order, the first that holds a bucket wins. Entries by hash
/// come behind those by first byte: what no byte decides, the hash does. An immutable value: to
/// change a table, make another. Lookup is at most two array accesses.
class RoutingTable {
 public:
  RoutingTable();  // no entries: everything is no_route
  /// REQUIRES: at most limits::kRoutingEntriesMax entries, and are_in_order() (settings check both
  /// with the place).
  explicit RoutingTable(std::vector<RouteEntry> entries);
  /// Whether none by first byte stands behind one by hash.
  static bool are_in_order(const std::vector<RouteEntry>& entries);

  struct Found {
    std::size_t index = 0;  // in entries()
    RouteMatch match;
  };
  /// The entry that wins for a bucket; empty when none holds it. REQUIRES: the name is not empty.
  std::optional<Found> find(std::string_view bucket) const;

  /// The index in entries() of the entry that wins for buckets that begin with `byte` and have the
  /// hash `hash`.
  std::optional<std::size_t> find(std::uint8_t byte, std::uint8_t hash) const {
    const auto& by_byte = by_byte_[byte];
    return index_of(by_byte.index != kNone ? by_byte : by_hash_[hash]);
  }
  /// The same where the byte alone decides; else empty.
  std::optional<std::size_t> find(std::uint8_t byte) const { return index_of(by_byte_[byte]); }

  const std::vector<RouteEntry>& entries() const { return entries_; }
  /// The first bytes about which entries by first byte decide, whatever the hash.
  const RouteKeys& decided_bytes() const { return decided_bytes_; }
  /// Whether some entry is by hash.
  bool has_hashes() const { return !entries_.empty() && entries_.back().range.is_by_hash(); }

  /// The indices of entries that can never match, because earlier ones cover all of them.
  std::vector<std::size_t> shadowed() const;

  /// "[a..m -> foo@localhost, hash:* -> bar@localhost]", cut after `entries_max` entries.
  std::string to_string(std::size_t entries_max = 8) const;

  friend bool operator==(const RoutingTable& a, const RoutingTable& b) {
    return a.entries_ == b.entries_;
  }

 private:
  static constexpr std::uint16_t kNone = 0xffff;
  // Of a byte or a hash: the entry, and the run of its neighbours in it.
  struct Winner {
    std::uint16_t index = kNone;
    ByteRange span;
  };
  static std::optional<std::size_t> index_of(const Winner& winner) {
    if (winner.index == kNone) return std::nullopt;
    return winner.index;
  }

  std::vector<RouteEntry> entries_;
  RouteKeys decided_bytes_;
  std::array<Winner, 256> by_byte_;
  std::array<Winner, 256> by_hash_;
};

}  // namespace kvmesh
