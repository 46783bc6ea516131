#include "common/route_range.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "common/route_hash.h"
#include "common/text.h"

namespace kvmesh {
namespace {

constexpr std::string_view kHashPrefix = "hash:";

std::optional<std::uint8_t> parse_number(std::string_view text) {
  if (text.size() != 4 || !text.starts_with("0x")) return std::nullopt;
  std::uint8_t byte = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
  if (error != std::errc{} || end != text.data() + 4) return std::nullopt;
  return byte;
}

std::optional<std::uint8_t> parse_byte(std::string_view text) {
  if (text.size() != 1) return parse_number(text);
  const auto byte = static_cast<std::uint8_t>(text[0]);
  if (byte > 0x20 && byte < 0x7f) return byte;
  return std::nullopt;
}

std::string number_form(std::uint8_t byte) { return "0x" + hex_byte(byte); }

std::string byte_form(std::uint8_t byte) {
  if (byte > 0x20 && byte < 0x7f) return std::string(1, static_cast<char>(byte));
  return number_form(byte);
}

std::string span_form(ByteRange span) {
  if (span.first == span.last) return number_form(span.first);
  return number_form(span.first) + ".." + number_form(span.last);
}

Status bad_range(std::string_view text, std::string_view why) {
  return {StatusCode::kInvalidArgument, in_quotes(text) + " " + std::string{why}};
}

Result<ByteRange> parse_span(std::string_view text) {
  if (text == "*") return ByteRange{};
  const auto dots = text.find("..");
  const auto first = parse_number(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : parse_number(text.substr(dots + 2));
  if (!first || !last) {
    return bad_range(text,
                     "is no range of hashes; write 0x and two hex digits, or two of them: "
                     "hash:0x00..0x7f, hash:0x00..0x1b,0x40, or hash:* for all");
  }
  if (*first > *last) return bad_range(text, "is reversed; write " + span_form({*last, *first}));
  return ByteRange{*first, *last};
}

void insert(RouteKeys& into, ByteRange span) {
  for (std::size_t i = span.first; i <= span.last; ++i) into.set(i);
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

std::vector<ByteRange> runs_of(const RouteKeys& keys) {
  std::vector<ByteRange> out;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys.test(i)) continue;
    const auto key = static_cast<std::uint8_t>(i);
    if (i > 0 && keys.test(i - 1)) {
      out.back().last = key;
    } else {
      out.push_back({key, key});
    }
  }
  return out;
}

std::uint8_t lowest_of(const RouteKeys& keys) {
  std::size_t i = 0;
  while (!keys.test(i)) ++i;  // throws where there is none
  return static_cast<std::uint8_t>(i);
}

RouteRange::RouteRange(ByteRange bytes) { insert(keys_, bytes); }

RouteRange RouteRange::of_hashes(const RouteKeys& hashes) {
  if (hashes.none()) std::abort();
  return RouteRange{By::kHash, hashes};
}

Result<RouteRange> RouteRange::parse(std::string_view text) {
  if (!text.starts_with(kHashPrefix)) {
    const auto bytes = ByteRange::parse(text);
    if (!bytes) return bytes.status();
    return RouteRange{*bytes};
  }
  RouteKeys hashes;
  for (auto rest = text.substr(kHashPrefix.size());;) {
    const auto comma = rest.find(',');
    const auto span = parse_span(rest.substr(0, comma));
    if (!span) return span.status();
    insert(hashes, *span);
    if (comma == std::string_view::npos) return of_hashes(hashes);
    rest.remove_prefix(comma + 1);
  }
}

bool RouteRange::holds(std::string_view bucket) const {
  return keys_.test(is_by_hash() ? route_hash(bucket) : static_cast<std::uint8_t>(bucket.front()));
}

std::string RouteRange::to_string() const {
  const auto runs = runs_of(keys_);
  if (!is_by_hash()) return runs.front().to_string();
  std::string out{kHashPrefix};
  if (keys_.all()) return out + "*";
  for (const auto run : runs) {
    if (out.size() > kHashPrefix.size()) out += ",";
    out += span_form(run);
  }
  return out;
}

std::string RouteRange::short_text() const {
  constexpr std::size_t kTextMax = 60;
  auto out = to_string();
  if (out.size() > kTextMax) out.replace(out.rfind(',', kTextMax) + 1, out.size(), "...");
  return out;
}

std::string RouteMatch::to_string() const {
  if (by == RouteRange::By::kFirstByte) return span.to_string();
  return hash_text(hash) + " (" + span_form(span) + ")";
}

std::string hash_text(std::uint8_t hash) { return std::string{kHashPrefix} + number_form(hash); }

}  // namespace kvmesh
