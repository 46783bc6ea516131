#include <array>
#include <charconv>
#include <cmath>

#include "common/text.h"
#include "node/sim/scenario.h"

namespace kvmesh::sim {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr std::array<Unit, 3> kUnits = {{{"us", 1}, {"ms", 1000}, {"s", 1000000}}};
constexpr Micros kTimeMax = std::chrono::hours{24};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

Status bad_time(std::string_view text) {
  return {StatusCode::kInvalidArgument,
          in_quotes(text) + " is no time; write for example 250us, 1.5ms or 2s, at most 24 h"};
}

}  // namespace

Result<Micros> parse_time(std::string_view text) {
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto number = text.substr(0, text.size() - unit.name.size());
    if (number.empty() || number.back() < '0' || number.back() > '9') continue;  // "ms" ends in "s"
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value,
                                              std::chars_format::fixed);
    if (error != std::errc{} || end != number.data() + number.size()) return bad_time(text);
    const auto micros = value * static_cast<double>(unit.micros);
    if (!(micros >= 0) || micros > static_cast<double>(kTimeMax.count())) return bad_time(text);
    return Micros{std::llround(micros)};
  }
  return bad_time(text);
}

std::string time_text(Micros time) {
  auto unit = kUnits.rbegin();
  while (time.count() % unit->micros != 0) ++unit;
  return std::to_string(time.count() / unit->micros) + std::string{unit->name};
}

std::string escape_word(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    if (is_plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
  return out;
}

std::string unescape_word(std::string_view word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    unsigned value = 0;
    if (word[i] == '%' && i + 2 < word.size()) {
      const auto* const first = word.data() + i + 1;
      const auto [end, error] = std::from_chars(first, first + 2, value, 16);
      if (error == std::errc{} && end == first + 2) {
        out += static_cast<char>(value);
        i += 2;
        continue;
      }
    }
    out += word[i];
  }
  return out;
}

std::string table_text(const RoutingTable& table) {
  std::string out;
  for (const auto& entry : table.entries()) {
    out.append(out.empty() ? "" : " ").append(entry.range.to_string()).append("=");
    out.append(entry.node.str());
  }
  return out;
}

}  // namespace kvmesh::sim
