#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <vector>

/// Words in quotes and numbers of the line protocol, as plainly as they can be read and written.
namespace kvmesh::fuzz {

using Words = std::vector<std::string>;

// Byte by byte; nothing when quotes are wrong. (A regular expression would say it in a line, but
// std::regex takes a stack frame for each byte.)
inline std::optional<Words> quoted_words_of(const std::string& line) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  const std::string digits = "0123456789abcdef0123456789ABCDEF";
  Words out;
  for (std::size_t i = 0; i < line.size();) {
    if (is_space(line[i])) {
      ++i;
      continue;
    }
    out.emplace_back();
    if (out.size() == 11) return out;  // one too many, whatever it is
    if (line[i] != '"') {
      while (i < line.size() && !is_space(line[i])) out.back() += line[i++];
      continue;
    }
    for (++i; i < line.size() && line[i] != '"'; ++i) {
      if (line[i] != '\\') {
        out.back() += line[i];
        continue;
      }
      const char kind = ++i < line.size() ? line[i] : '?';
      const std::string names = "nrt\"\\";
      if (const auto at = names.find(kind); at != std::string::npos) {
        out.back() += "\n\r\t\"\\"[at];
        continue;
      }
      if (kind != 'x' || i + 2 >= line.size()) return std::nullopt;
      const auto high = digits.find(line[i + 1]);
      const auto low = digits.find(line[i + 2]);
      if (high == std::string::npos || low == std::string::npos) return std::nullopt;
      out.back() += static_cast<char>(high % 16 * 16 + low % 16);
      i += 2;
    }
    if (i == line.size()) return std::nullopt;
    ++i;
    if (i < line.size() && !is_space(line[i])) return std::nullopt;
  }
  return out;
}

inline std::string shown(const std::string& bytes) {
  const auto is_control = [](char c) { return (c >= 0 && c < 32) || c == 127; };
  const bool is_plain =
      !bytes.empty() && bytes[0] != '"' &&
      std::none_of(bytes.begin(), bytes.end(), [&](char c) { return is_control(c) || c == ' '; });
  if (is_plain) return bytes;
  std::string out = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\') {
      out += std::string{'\\', c};
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (is_control(c)) {
      const std::string digits = "0123456789abcdef";
      const auto at = static_cast<std::size_t>(c);
      out += std::string{"\\x"} + digits[at / 16] + digits[at % 16];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

inline std::optional<std::uint64_t> number(const std::string& word, std::uint64_t min,
                                           std::uint64_t max) {
  static const std::regex kNumber{"0|[1-9][0-9]{0,19}"};
  if (!std::regex_match(word, kNumber)) return std::nullopt;
  __extension__ unsigned __int128 value = 0;
  for (const char c : word) value = value * 10 + static_cast<unsigned>(c - '0');
  if (value < min || value > max) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}
inline std::optional<std::int64_t> integer(const std::string& word) {
  static const std::regex kInteger{"-?[0-9]+"};
  if (!std::regex_match(word, kInteger)) return std::nullopt;
  const bool minus = word[0] == '-';
  __extension__ using Wide = __int128;
  Wide value = 0;
  for (const char c : word.substr(minus ? 1 : 0)) {
    value = value * 10 + (c - '0');
    if (value > Wide{1} << 63) return std::nullopt;
  }
  if (minus) value = -value;
  if (value > INT64_MAX) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace kvmesh::fuzz
