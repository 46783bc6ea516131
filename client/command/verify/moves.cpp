#include "client/command/verify/moves.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::command {
namespace {

std::uint8_t first_byte(const std::string& bucket) {
  return static_cast<std::uint8_t>(bucket.front());
}

// Some of those that begin with `byte` or a later one.
bool reaches(const verify::NameSet& names, std::uint8_t byte) {
  return (names.first_bytes() >> byte).any();
}

}  // namespace

bool is_page_behind(const Names& page, const std::string& after) {
  if (page.names.empty()) return !page.more;
  return after < page.names.front() &&
         std::ranges::adjacent_find(page.names, std::ranges::greater_equal{}) == page.names.end();
}

std::string last_name_before(std::uint8_t byte) {
  if (byte == 0) return {};
  std::string out(limits::kBucketNameBytesMax, '\xff');
  out.front() = static_cast<char>(byte - 1);
  return out;
}

MoveCounter::MoveCounter(const verify::Difference& difference) : difference_(difference) {
  for (const auto& change : difference.changes) {
    auto& moves = moves_.of_changes.emplace_back();
    for (const auto& node : change.before) {
      if (std::ranges::find(change.after, node) != change.after.end()) continue;
      moves.push_back({node, 0, 0, {}});
      losses_[node].insert(change.names);
    }
  }
}

void MoveCounter::count(const std::string& node, const verify::NameSet& names,
                        BucketReader& reader) {
  for (const auto range : runs_of(names.first_bytes())) {
    std::string after = last_name_before(range.first);
    while (true) {
      auto page = reader.buckets(after);
      if (!page) {
        const auto from = after.empty() ? range.first : std::max(range.first, first_byte(after));
        return fail_from(node, from, page.status());
      }
      if (!is_page_behind(*page, after)) {
        return fail_from(node, range.first,
                         {StatusCode::kProtocolError,
                          "the node's answer to kv.buckets is no page of names in order"});
      }
      const auto end = std::ranges::find_if(
          page->names, [&](const auto& name) { return first_byte(name) > range.last; });
      const bool is_last = end != page->names.end();  // what follows may be of the next range
      if (!is_last && !page->names.empty()) after = page->names.back();
      page->names.erase(end, page->names.end());
      std::erase_if(page->names, [&](const auto& name) { return !names.holds(name); });
      if (!count_page(node, page->names, reader)) return;
      if (is_last) break;
      if (!page->more) return;
    }
  }
}

// False when this node is not to be asked any more.
bool MoveCounter::count_page(const std::string& node, std::span<const std::string> buckets,
                             BucketReader& reader) {
  if (buckets.empty()) return true;
  const auto counts = reader.counts(buckets);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto& keys = counts[i];
    if (!keys && keys.status().code() == StatusCode::kNotFound) continue;  // dropped meanwhile
    auto& move = move_of(node, buckets[i]);
    ++move.buckets;
    if (!keys) {
      fail_from(node, first_byte(buckets[i]), keys.status());
      return false;
    }
    move.keys += *keys;
  }
  return true;
}

Move& MoveCounter::move_of(const std::string& node, std::string_view bucket) {
  std::size_t change = 0;
  while (!difference_.changes[change].names.holds(bucket)) ++change;
  return *std::ranges::find(moves_.of_changes[change], node, &Move::from);
}

void MoveCounter::fail_from(const std::string& node, std::uint8_t byte, const Status& why) {
  for (std::size_t i = 0; i < difference_.changes.size(); ++i) {
    if (!reaches(difference_.changes[i].names, byte)) continue;
    for (auto& move : moves_.of_changes[i]) {
      if (move.from == node) move.status = why;
    }
  }
}

}  // namespace kvmesh::command
