#include "client/command/shell/words.h"

#include <optional>
#include <utility>

#include "client/command/base/values.h"

namespace kvmesh::command::shell {
namespace {

constexpr std::string_view kWordSpace = " \t\r\n";

bool is_space(char c) { return kWordSpace.find(c) != std::string_view::npos; }

Status unclosed(const char* what, std::size_t at) {
  return {StatusCode::kInvalidArgument,
          std::string{what} + " of column " + std::to_string(at + 1) + " is not closed"};
}

std::size_t end_of_run(std::string_view line, std::size_t at) {
  const auto end = line.find_first_of(kWordSpace, at);
  return end == std::string_view::npos ? line.size() : end;
}

// The end of a JSON string that begins at `at`; npos when it has none.
std::size_t end_of_string(std::string_view line, std::size_t at) {
  for (std::size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// The same of a list or a map.
std::size_t end_of_brackets(std::string_view line, std::size_t at) {
  std::size_t depth = 0;
  for (std::size_t i = at; i < line.size(); ++i) {
    if (line[i] == '"') {
      i = end_of_string(line, i);
      if (i == std::string_view::npos) return i;
      --i;
    } else if (line[i] == '[' || line[i] == '{') {
      ++depth;
    } else if ((line[i] == ']' || line[i] == '}') && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<std::vector<Word>> split_words(std::string_view line) {
  std::vector<Word> words;
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size() || (words.empty() && line[at] == '#')) return words;
    if (line[at] == '\'') {
      const auto end = line.find('\'', at + 1);
      if (end == std::string_view::npos) return unclosed("the quote", at);
      words.push_back({std::string{line.substr(at + 1, end - at - 1)}, true});
      at = end + 1;
      continue;
    }
    auto end = at;
    if (line[at] == '"') {
      end = end_of_string(line, at);
      if (end == std::string_view::npos) return unclosed("the quote", at);
    } else if (line[at] == '[' || line[at] == '{') {
      end = end_of_brackets(line, at);
      if (end == std::string_view::npos) return unclosed("the bracket", at);
    }
    end = end_of_run(line, end);
    words.push_back({std::string{line.substr(at, end - at)}, false});
    at = end;
  }
}

std::string text_of(const Word& word) {
  if (word.literal || !word.text.starts_with('"')) return word.text;
  const auto value = parse_argument(word.text);
  const auto* text = value ? value->get_if<std::string>() : nullptr;
  return text != nullptr ? *text : word.text;
}

Result<Value> value_of(const Word& word) {
  if (word.literal) return Value{word.text};
  return parse_argument(word.text);
}

}  // namespace kvmesh::command::shell
