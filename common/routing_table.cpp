#include "common/routing_table.h"

#include <algorithm>
#include <cstdlib>

#include <kvmesh/limits.h>

#include "common/route_hash.h"

namespace kvmesh {
RoutingTable::RoutingTable() = default;

RoutingTable::RoutingTable(std::vector<RouteEntry> entries) : entries_(std::move(entries)) {
  if (entries_.size() > limits::kRoutingEntriesMax) std::abort();
  if (!are_in_order(entries_)) std::abort();
  for (std::size_t i = entries_.size();
       i-- > 0;) {  // backwards: earlier entries overwrite later ones
    const auto& range = entries_[i].range;
    auto& winners = range.is_by_hash() ? by_hash_ : by_byte_;
    if (!range.is_by_hash()) decided_bytes_ |= range.keys();
    for (const auto span : runs_of(range.keys())) {
      std::fill(winners.begin() + span.first, winners.begin() + span.last + 1,
                Winner{static_cast<std::uint16_t>(i), span});
    }
  }
}

bool RoutingTable::are_in_order(const std::vector<RouteEntry>& entries) {
  return std::ranges::is_partitioned(entries,
                                     [](const auto& entry) { return !entry.range.is_by_hash(); });
}

std::optional<RoutingTable::Found> RoutingTable::find(std::string_view bucket) const {
  const auto& winner = by_byte_[static_cast<std::uint8_t>(bucket.front())];
  if (winner.index != kNone) {
    return Found{winner.index, {RouteRange::By::kFirstByte, winner.span, 0}};
  }
  if (!has_hashes()) return std::nullopt;
  const auto hash = route_hash(bucket);
  const auto& by_hash = by_hash_[hash];
  if (by_hash.index == kNone) return std::nullopt;
  return Found{by_hash.index, {RouteRange::By::kHash, by_hash.span, hash}};
}

std::vector<std::size_t> RoutingTable::shadowed() const {
  std::vector<bool> wins(entries_.size());
  for (const auto& winner : by_byte_) {
    if (winner.index != kNone) wins[winner.index] = true;
  }
  for (const auto& winner : by_hash_) {
    if (winner.index != kNone && !decided_bytes_.all()) wins[winner.index] = true;
  }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < wins.size(); ++i) {
    if (!wins[i]) out.push_back(i);
  }
  return out;
}

std::string RoutingTable::to_string(std::size_t entries_max) const {
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(entries_.size(), entries_max); ++i) {
    if (i > 0) out += ", ";
    out += entries_[i].range.short_text() + " -> " + entries_[i].node.str();
  }
  if (entries_.size() > entries_max)
    out += ", and " + std::to_string(entries_.size() - entries_max) + " more";
  return out + "]";
}

}  // namespace kvmesh
