#include "common/text.h"

#include <algorithm>
#include <numeric>

#include "common/utf8.h"

namespace kvmesh {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_printable(unsigned char c) { return c >= 0x20 && c < 0x7f; }

void append_escape(std::string& out, char c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    out += "\\x" + hex_byte(static_cast<unsigned char>(c));
  }
}

}  // namespace

std::string in_quotes(std::string_view bytes, std::size_t shown_max) {
  std::string out = "\"";
  for (const char c : bytes.substr(0, shown_max)) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (is_printable(u)) {
      out += c;
    } else {
      append_escape(out, c);
    }
  }
  out += '"';
  if (bytes.size() > shown_max) out += "... (" + std::to_string(bytes.size()) + " bytes)";
  return out;
}

std::string printable(std::string_view bytes, std::string_view kept) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto count =
        std::max<std::size_t>(utf8_sequence(bytes), 1);  // or one byte of no sequence
    const auto sequence = bytes.substr(0, count);
    bytes.remove_prefix(count);
    const bool plain = utf8_sequence(sequence) == count && is_plain_character(sequence);
    if (plain || (count == 1 && kept.find(sequence[0]) != std::string_view::npos)) {
      out += sequence;
    } else {
      for (const char c : sequence) append_escape(out, c);
    }
  }
  return out;
}

std::string over_limit(std::string_view what, std::size_t actual, std::size_t limit) {
  return std::string{what} + " of " + std::to_string(actual) + " bytes is over the limit of " +
         std::to_string(limit);
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // distances of a's beginning to each beginning of b
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char from : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t i = 0; i < b.size(); ++i) {
      const auto replaced = diagonal + (from == b[i] ? 0 : 1);
      diagonal = row[i + 1];
      row[i + 1] = std::min({replaced, row[i] + 1, row[i + 1] + 1});
    }
  }
  return row[b.size()];
}

std::string hex_byte(unsigned char byte) { return {kHex[byte >> 4], kHex[byte & 15]}; }

std::string byte_text(unsigned char byte) {
  std::string hex = "0x" + hex_byte(byte);
  if (!is_printable(byte)) return hex;
  return std::string{"'"} + static_cast<char>(byte) + "' (" + hex + ")";
}

}  // namespace kvmesh
