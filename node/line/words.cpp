#include "node/line/words.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is no C++
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "common/text.h"
#include "node/line/blanks.h"

namespace kvmesh::line {
namespace {

constexpr std::size_t kBytesKept = 4096;
constexpr char kHex[] = "0123456789abcdef";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char small = static_cast<char>(c | 0x20);
  if (small >= 'a' && small <= 'f') return static_cast<unsigned>(small - 'a' + 10);
  return std::nullopt;
}

// Takes what follows a backslash off `rest`; nothing when it is no escape.
std::optional<char> take_escape(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const char kind = rest.front();
  rest.remove_prefix(1);
  switch (kind) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
      return kind;
    case 'x':
      break;
    default:
      return std::nullopt;
  }
  if (rest.size() < 2) return std::nullopt;
  const auto high = hex_digit(rest[0]);
  const auto low = hex_digit(rest[1]);
  if (!high || !low) return std::nullopt;
  rest.remove_prefix(2);
  return static_cast<char>(*high << 4 | *low);
}

Status word_fault(std::size_t word, std::string_view text) {
  return {StatusCode::kInvalidArgument,
          "word " + std::to_string(word) + " of the line " + std::string{text}};
}

}  // namespace

Status Words::split(std::string_view line) {
  count_ = 0;
  bytes_.clear();
  if (line.find('"') != std::string_view::npos) {
    // Room for all: words that point into it stay where they are.
    bytes_.skip(line.size());
    bytes_.clear();
  }
  for (;;) {
    line.remove_prefix(
        static_cast<std::size_t>(std::ranges::find_if_not(line, is_space) - line.begin()));
    if (line.empty()) return {};
    if (count_ == kMost) {
      ++count_;
      return {};
    }
    if (line.front() == '"') {
      if (auto fault = take_quoted(line); !fault.ok()) return fault;
    } else {
      const auto end = word_end(line, 0);
      words_[count_++] = line.substr(0, end);
      line.remove_prefix(end);
    }
  }
}

// The word whose opening quote `rest` begins with.
Status Words::take_quoted(std::string_view& rest) {
  const auto number = count_ + 1;
  const auto begin = bytes_.size();
  rest.remove_prefix(1);
  for (;;) {
    const auto end = rest.find_first_of("\"\\");
    if (end == std::string_view::npos) return word_fault(number, "has no closing quote");
    bytes_.append(rest.substr(0, end));
    const bool is_end = rest[end] == '"';
    const auto at = rest.substr(end, 2);
    rest.remove_prefix(end + 1);
    if (is_end) break;
    const auto byte = take_escape(rest);
    if (!byte) {
      return word_fault(number,
                        "holds " + printable(at) +
                            R"(; after a backslash stands n, r, t, ", \ or xHH, a byte in hex)");
    }
    bytes_.push_back(*byte);
  }
  if (!rest.empty() && !is_space(rest.front())) {
    return word_fault(number, R"(goes on after its closing quote; a quote in it is written \")");
  }
  words_[count_++] = bytes_.view(begin);
  return {};
}

void Words::give_back() {
  count_ = 0;
  bytes_.clear();
  bytes_.shrink(kBytesKept);
}

void Words::wipe() {
  if (!bytes_.empty()) explicit_bzero(bytes_.data(), bytes_.size());
  give_back();
}

void append_word(wire::Buffer& out, std::string_view bytes) {
  const auto needs_quotes = [](char c) { return is_control(c) || c == ' '; };
  if (!bytes.empty() && bytes.front() != '"' && std::ranges::none_of(bytes, needs_quotes)) {
    return out.append(bytes);
  }
  out.push_back('"');
  while (!bytes.empty()) {
    const auto plain = static_cast<std::size_t>(
        std::ranges::find_if(bytes, [](char c) { return is_control(c) || c == '"' || c == '\\'; }) -
        bytes.begin());
    out.append(bytes.substr(0, plain));
    bytes.remove_prefix(plain);
    if (bytes.empty()) break;
    const char c = bytes.front();
    bytes.remove_prefix(1);
    out.push_back('\\');
    if (c == '"' || c == '\\') {
      out.push_back(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out.push_back(c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('x');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  out.push_back('"');
}

}  // namespace kvmesh::line
