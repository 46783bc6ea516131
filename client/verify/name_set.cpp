#include "client/verify/name_set.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/route_hash.h"
#include "common/text.h"

namespace kvmesh::verify {
namespace {

bool is_lower(std::uint8_t byte) { return byte >= 'a' && byte <= 'z'; }
bool is_letter(std::uint8_t byte) { return is_lower(byte) || (byte >= 'A' && byte <= 'Z'); }
bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

std::string end_text(std::uint8_t byte, bool as_character) {
  if (as_character) return std::string(1, static_cast<char>(byte));
  return "0x" + hex_byte(byte);
}

}  // namespace

std::string range_text(ByteRange range) {
  if (range.first == range.last || (range.first == 0 && range.last == 255)) {
    return range.to_string();
  }
  // 0..9 is clear, while 1..0x60 looks like a number.
  const bool digits = is_digit(range.first) && is_digit(range.last);
  return end_text(range.first, digits || is_letter(range.first)) + ".." +
         end_text(range.last, digits || is_letter(range.last));
}

int readability(std::uint8_t byte) {
  if (is_lower(byte)) return 3;
  if (is_letter(byte) || is_digit(byte)) return 2;
  return byte > 0x20 && byte < 0x7f ? 1 : 0;
}

std::string example_name(std::uint8_t byte, const RouteKeys& hashes) {
  std::string out(1, static_cast<char>(byte));
  if (hashes.all()) return out;
  // One in 256 has it, when it is a single one; this ends long before the numbers do.
  for (unsigned number = 0; !hashes.test(route_hash(out)); ++number) {
    out.resize(1);
    out += std::to_string(number);
  }
  return out;
}

void NameSet::insert(const RouteRange& range) {
  const RouteKeys all = RouteKeys{}.set();
  if (range.is_by_hash()) return insert(all, range.keys());
  insert(range.keys(), all);
}

void NameSet::insert(const RouteKeys& bytes, const RouteKeys& hashes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes.test(i)) hashes_of_[i] |= hashes;
  }
}

void NameSet::insert(const NameSet& other) {
  for (std::size_t i = 0; i < hashes_of_.size(); ++i) hashes_of_[i] |= other.hashes_of_[i];
}

void NameSet::remove(const NameSet& other) {
  for (std::size_t i = 0; i < hashes_of_.size(); ++i) hashes_of_[i] &= ~other.hashes_of_[i];
}

NameSet common_to(const NameSet& one, const NameSet& other) {
  NameSet others = one;
  others.remove(other);
  NameSet out = one;
  out.remove(others);
  return out;
}

bool NameSet::holds(std::string_view bucket) const {
  const auto& hashes = hashes_of_[static_cast<std::uint8_t>(bucket.front())];
  return hashes.all() || (hashes.any() && hashes.test(route_hash(bucket)));
}

bool NameSet::empty() const { return first_bytes().none(); }

bool NameSet::is_one() const { return first_bytes().count() == 1 && is_by_bytes(); }

bool NameSet::is_by_bytes() const {
  return std::ranges::all_of(hashes_of_,
                             [](const auto& hashes) { return hashes.none() || hashes.all(); });
}

RouteKeys NameSet::first_bytes() const {
  RouteKeys out;
  for (std::size_t i = 0; i < hashes_of_.size(); ++i) out.set(i, hashes_of_[i].any());
  return out;
}

NameSet::First NameSet::first() const {
  for (std::size_t byte = 0; byte < hashes_of_.size(); ++byte) {
    if (hashes_of_[byte].none()) continue;
    return {static_cast<std::uint8_t>(byte), lowest_of(hashes_of_[byte])};
  }
  std::abort();  // an empty set has none
}

std::vector<std::string> NameSet::texts() const {
  // Bytes whose names are here with the same hashes are told together.
  std::vector<std::pair<RouteKeys, RouteKeys>> groups;  // hashes, bytes
  for (std::size_t byte = 0; byte < hashes_of_.size(); ++byte) {
    const auto& hashes = hashes_of_[byte];
    if (hashes.none()) continue;
    auto group = std::ranges::find(groups, hashes, &std::pair<RouteKeys, RouteKeys>::first);
    if (group == groups.end()) group = groups.insert(group, {hashes, {}});
    group->second.set(byte);
  }
  std::vector<std::string> out;
  for (const auto& [hashes, bytes] : groups) {
    std::vector<std::string> ranges;
    for (const auto run : runs_of(bytes)) ranges.push_back(range_text(run));
    if (hashes.all()) {
      out.insert(out.end(), ranges.begin(), ranges.end());
      continue;
    }
    out.push_back(RouteRange::of_hashes(hashes).to_string());
    if (!bytes.all()) out.back() += " (of " + joined(ranges, ", ") + ")";
  }
  return out;
}

std::string NameSet::to_string() const { return joined(texts(), ", "); }

}  // namespace kvmesh::verify
