#include "client/command/shell/words.h"

#include <algorithm>

#include "client/command/base/values.h"
#include "client/command/shell/shell_values.h"

namespace kvmesh::command::shell {

std::string place_text(const Place& place) {
  const std::string column = "column " + std::to_string(place.column);
  return place.line == 0 ? column : "line " + std::to_string(place.line) + ", " + column;
}

Place place_within(const Place& begin, std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line_end = before.rfind('\n');
  if (line_end == std::string_view::npos) return {begin.line, begin.column + before.size()};
  const auto ends = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  return {std::max<std::size_t>(begin.line, 1) + ends, before.size() - line_end};
}

std::string text_of(const Word& word) {
  if (word.literal || word.value || !word.text.starts_with('"')) return word.text;
  auto text = parse_string(word.text);
  return text ? *std::move(text) : word.text;
}

Result<Value> value_of(const Word& word) {
  if (word.value) return *word.value;
  if (word.literal) return Value{word.text};
  if (word.text.starts_with('[') || word.text.starts_with('{')) {
    auto value = parse_value(word.text, word.at, nullptr);
    if (value) return value;
    return Status{value.status().code(), value.status().text() + "; between ' and ' it is text"};
  }
  if (word.text.starts_with('"')) {
    auto text = parse_string(word.text);
    return text ? Value{*std::move(text)} : Value{word.text};
  }
  return parse_argument(word.text);
}

std::string value_as_text(const Value& value) {
  const auto* text = value.bytes_or_text();
  return text != nullptr ? *text : value.to_json();
}

}  // namespace kvmesh::command::shell
