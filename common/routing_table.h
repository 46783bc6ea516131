#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "common/names.h"

namespace kvmesh {

/// The bytes `first` to `last`, both included.
struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 255;

  /// Reads `a`, `a..m`, `0x00`, `0x00..0x1f`, mixed forms such as `a..0xff`, and `*` (every byte).
  /// kInvalidArgument, with what to write instead, when the text is none of these or is reversed.
  static Result<ByteRange> parse(std::string_view text);

  bool holds(std::uint8_t byte) const { return first <= byte && byte <= last; }
  /// The shortest form that parse() reads back as the same range.
  std::string to_string() const;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// One line of a table: requests whose key byte is in `range` belong to `node`.
struct RouteEntry {
  ByteRange range;
  NodeName node;
  friend bool operator==(const RouteEntry&, const RouteEntry&) = default;
};

/// The byte by which a bucket is looked up: its first. Empty for an empty name, which no table can
/// route. This is the only place that knows; other keys (the n-th byte, a hash) would be added
/// here.
std::optional<std::uint8_t> route_key(std::string_view bucket);

/// A node's routing table: entries in order, the first that holds the byte wins. An immutable
/// value: to change a table, make another. Lookup is one array access.
class RoutingTable {
 public:
  RoutingTable();  // no entries: everything is no_route
  /// REQUIRES: at most limits::kRoutingEntriesMax entries (settings check it with the place).
  explicit RoutingTable(std::vector<RouteEntry> entries);

  /// The index in entries() of the entry that wins for `key`; empty when none holds it.
  std::optional<std::size_t> find(std::uint8_t key) const {
    const auto index = winner_[key];
    if (index == kNone) return std::nullopt;
    return index;
  }
  const std::vector<RouteEntry>& entries() const { return entries_; }

  /// The indices of entries that can never match, because earlier ones cover all their bytes.
  std::vector<std::size_t> shadowed() const;

  /// "[a..m -> foo@localhost, n..z -> bar@localhost]", cut after `entries_max` entries.
  std::string to_string(std::size_t entries_max = 8) const;

  friend bool operator==(const RoutingTable& a, const RoutingTable& b) {
    return a.entries_ == b.entries_;
  }

 private:
  static constexpr std::uint16_t kNone = 0xffff;
  std::vector<RouteEntry> entries_;
  std::array<std::uint16_t, 256> winner_;
};

}  // namespace kvmesh
