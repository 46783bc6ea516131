#include "common/routing_table.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <kvmesh/limits.h>

#include "common/text.h"

namespace kvmesh {
namespace {

std::optional<std::uint8_t> parse_byte(std::string_view text) {
  if (text.size() == 1) {
    const auto byte = static_cast<std::uint8_t>(text[0]);
    if (byte > 0x20 && byte < 0x7f) return byte;
    return std::nullopt;
  }
  if (text.size() != 4 || !text.starts_with("0x")) return std::nullopt;
  std::uint8_t byte = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
  if (error != std::errc{} || end != text.data() + 4) return std::nullopt;
  return byte;
}

std::string byte_form(std::uint8_t byte) {
  if (byte > 0x20 && byte < 0x7f) return std::string(1, static_cast<char>(byte));
  const auto text =
      byte_text(byte);  // 0x.. for what is not printable; a space is, and is written as 0x20
  return byte == 0x20 ? "0x20" : text;
}

Status bad_range(std::string_view text, std::string_view why) {
  return {StatusCode::kInvalidArgument, in_quotes(text) + " " + std::string{why}};
}

}  // namespace

Result<ByteRange> ByteRange::parse(std::string_view text) {
  if (text == "*") return ByteRange{0, 255};
  if (const auto single = parse_byte(text)) return ByteRange{*single, *single};
  // The search starts after the first character, so that `...z` reads as '.' to 'z'.
  const auto dots = text.find("..", 1);
  if (dots == std::string_view::npos) {
    return bad_range(
        text,
        "is not a range; write a byte (a, 0x61), two of them (a..m, 0x00..0x1f) or * for all");
  }
  const auto first = parse_byte(text.substr(0, dots));
  const auto last = parse_byte(text.substr(dots + 2));
  if (!first || !last) {
    return bad_range(
        text, "is not a range; each end is one printable ASCII character or 0x and two hex digits");
  }
  if (*first > *last) {
    return bad_range(text, "is reversed; write " + byte_form(*last) + ".." + byte_form(*first));
  }
  return ByteRange{*first, *last};
}

std::string ByteRange::to_string() const {
  if (first == 0 && last == 255) return "*";
  if (first == '*' && last == '*') return "0x2a";  // alone, the star means every byte
  if (first == last) return byte_form(first);
  return byte_form(first) + ".." + byte_form(last);
}

std::optional<std::uint8_t> route_key(std::string_view bucket) {
  if (bucket.empty()) return std::nullopt;
  return static_cast<std::uint8_t>(bucket.front());
}

RoutingTable::RoutingTable() { winner_.fill(kNone); }

RoutingTable::RoutingTable(std::vector<RouteEntry> entries) : entries_(std::move(entries)) {
  if (entries_.size() > limits::kRoutingEntriesMax) std::abort();
  winner_.fill(kNone);
  for (std::size_t i = entries_.size();
       i-- > 0;) {  // backwards: earlier entries overwrite later ones
    const auto [first, last] = entries_[i].range;
    std::fill(winner_.begin() + first, winner_.begin() + last + 1, static_cast<std::uint16_t>(i));
  }
}

std::vector<std::size_t> RoutingTable::shadowed() const {
  std::vector<bool> wins(entries_.size());
  for (const auto index : winner_) {
    if (index != kNone) wins[index] = true;
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
    out += entries_[i].range.to_string() + " -> " + entries_[i].node.str();
  }
  if (entries_.size() > entries_max)
    out += ", and " + std::to_string(entries_.size() - entries_max) + " more";
  return out + "]";
}

}  // namespace kvmesh
