#include "client/command/base/escape.h"

#include <algorithm>

#include "common/utf8.h"

namespace kvmesh::command {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

int hex_digit(char c) {
  if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  const auto at = kHex.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

Status bad_escape(std::size_t at) {
  return {StatusCode::kInvalidArgument,
          "byte " + std::to_string(at + 1) +
              " of the field: a backslash begins none of \\t \\n \\r \\\\ \\xHH; a backslash "
              "itself is written \\\\"};
}

void append_hex(std::string& out, unsigned char byte) {
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// The byte that a one-letter escape stands for; 0 when there is no such escape.
char short_escape(char letter) {
  switch (letter) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case '\\':
      return '\\';
    default:
      return 0;
  }
}

}  // namespace

Result<std::string> unescape(std::string_view field) {
  std::string out;
  out.reserve(field.size());
  for (std::size_t at = 0; at < field.size();) {
    const auto backslash = std::min(field.find('\\', at), field.size());
    out.append(field, at, backslash - at);
    at = backslash;
    if (at == field.size()) break;
    const char letter = at + 1 < field.size() ? field[at + 1] : '\0';
    if (const char byte = short_escape(letter); byte != 0) {
      out += byte;
      at += 2;
      continue;
    }
    if (letter != 'x' || field.size() - at < 4) return bad_escape(at);
    const int high = hex_digit(field[at + 2]);
    const int low = hex_digit(field[at + 3]);
    if (high < 0 || low < 0) return bad_escape(at);
    out += static_cast<char>(high * 16 + low);
    at += 4;
  }
  return out;
}

std::string escape(std::string_view bytes) {
  const bool text = is_utf8(bytes);
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t count = text ? utf8_sequence(bytes.substr(at)) : 1;
    const auto sequence = bytes.substr(at, count);
    at += count;
    if (sequence == "\t") {
      out += "\\t";
    } else if (sequence == "\n") {
      out += "\\n";
    } else if (sequence == "\r") {
      out += "\\r";
    } else if (sequence == "\\") {
      out += "\\\\";
    } else if (utf8_sequence(sequence) == count && is_plain_character(sequence)) {
      out += sequence;
    } else {
      for (const char c : sequence) append_hex(out, static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace kvmesh::command
