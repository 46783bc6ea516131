#include "client/command/shell/shell_values.h"

#include <kvmesh/limits.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "client/command/base/json.h"
#include "client/command/base/usage.h"
#include "client/command/base/values.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::uint32_t kLevelsMax = limits::kNestingMax - 1;  // one is the list of arguments

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Extent {
  std::size_t bytes = 0;
  std::uint32_t levels = 0;
};

Extent extent_of(const Value& value) {
  constexpr std::size_t kEach = 8;
  Extent all{kEach, 0};
  const auto add = [&](const Extent& one) {
    all.bytes += one.bytes;
    all.levels = std::max(all.levels, one.levels + 1);
  };
  if (const auto* text = value.bytes_or_text()) all.bytes += text->size();
  if (const auto* list = value.get_if<Value::List>()) {
    all.levels = 1;
    for (const auto& element : *list) add(extent_of(element));
  }
  if (const auto* map = value.get_if<Value::Map>()) {
    all.levels = 1;
    for (const auto& [name, element] : *map) {
      all.bytes += name.size();
      add(extent_of(element));
    }
  }
  return all;
}

// The end of a string that begins at `at`, after its quote; npos when it has none.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Reads one list or map from its beginning to its end. The first fault ends it.
class ValueReader {
 public:
  ValueReader(std::string_view text, const Place& begin, const Lookup& variables)
      : text_(text), begin_(begin), variables_(variables) {}

  Result<Value> read() {
    auto value = next(1);
    skip_space();
    if (fault_.ok() && at_ < text_.size()) fail("nothing may follow the end of a list or map");
    if (!fault_.ok()) return fault_;
    return value;
  }

 private:
  void fail(const std::string& what, StatusCode code = StatusCode::kInvalidArgument) {
    fail_at(at_, what, code);
  }
  void fail_at(std::size_t at, const std::string& what,
               StatusCode code = StatusCode::kInvalidArgument) {
    if (!fault_.ok()) return;
    fault_ = {code, place_text(place_within(begin_, text_, at)) + ": " + what};
  }
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    skip_space();
    if (here() != c) return false;
    ++at_;
    return true;
  }
  void skip_space() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }

  Value next(std::uint32_t level) {
    skip_space();
    const bool opens = here() == '[' || here() == '{';
    if (opens && level > kLevelsMax) {
      fail("nested too deeply; at most " + std::to_string(kLevelsMax) + " levels are passed on");
      return {};
    }
    if (take('[')) return list(level);
    if (take('{')) return map(level);
    if (here() == '"') return Value{string()};
    return element(level);
  }

  Value list(std::uint32_t level) {
    Value::List out;
    if (take(']')) return out;
    while (fault_.ok()) {
      out.push_back(next(level + 1));
      if (take(']')) break;
      if (!take(',')) fail("a , or ] is missing");
    }
    return out;
  }

  Value map(std::uint32_t level) {
    const auto start = at_ - 1;
    Value::Map out;
    std::unordered_set<std::string> names;
    if (take('}')) return out;
    while (fault_.ok()) {
      skip_space();
      const auto begin = at_;
      std::string key = name();
      if (!names.insert(key).second) {
        fail_at(begin, "the member " + in_quotes(key) + " is there twice");
      }
      if (!take(':')) fail("a : is missing after a member's name");
      out.emplace_back(std::move(key), next(level + 1));
      if (take('}')) break;
      if (!take(',')) fail("a , or } is missing");
    }
    return as_bytes(start, std::move(out));
  }

  // {"base64": "..."} is bytes.
  Value as_bytes(std::size_t begin, Value::Map map) {
    const bool single = map.size() == 1 && map.front().first == "base64" &&
                        map.front().second.get_if<std::string>() != nullptr;
    if (!single) return map;
    const auto& digits = *map.front().second.get_if<std::string>();
    auto bytes = decode_base64(digits);
    if (bytes) return Value{Bytes{*std::move(bytes)}};
    fail_at(begin, "{base64: ...} is bytes, but " + in_quotes(digits) + " is no base64");
    return {};
  }

  std::string string() {
    const auto begin = at_;
    at_ = std::min(end_of_string(text_, begin), text_.size());
    auto text = parse_string(text_.substr(begin, at_ - begin));
    if (!text) {
      fail_at(begin, text.status().text());
      return {};
    }
    return *std::move(text);
  }

  // A word without quotes.
  std::string_view word(std::string_view ends) {
    const auto begin = at_;
    at_ = std::min(text_.find_first_of(ends, begin), text_.size());
    const auto found = text_.substr(begin, at_ - begin);
    if (found.starts_with('\'')) fail_at(begin, "text in a list or map stands between \" and \"");
    return found;
  }

  std::string name() {
    if (here() == '"') return string();
    const auto begin = at_;
    const auto found = word(" \t\r\n,:[]{}\"");
    if (found.empty()) fail("a member's name is missing");
    if (found.starts_with('$')) {
      fail_at(begin, "a member's name cannot be a variable; between \" and \" it is text");
    }
    return std::string{found};
  }

  Value element(std::uint32_t level) {
    const auto begin = at_;
    const auto found = word(" \t\r\n,[]{}\"");
    if (found.empty()) fail("a value is missing");
    if (!fault_.ok()) return {};
    if (variables_) {
      const auto name = variable_named(found);
      if (!name) fail_at(begin, name.status().text());
      if (name && !name->empty()) return variable(begin, *name, level);
    }
    auto value = parse_argument(found);
    if (!value) fail_at(begin, value.status().text());
    return value ? *std::move(value) : Value{};
  }

  Value variable(std::size_t begin, std::string_view name, std::uint32_t level) {
    auto value = variables_(name);
    if (!value) {
      fail_at(begin, value.status().text());
      return {};
    }
    const Extent extent = extent_of(*value);
    bytes_ += extent.bytes;
    if (bytes_ > kValueBytesTypedMax) {
      fail_at(begin,
              "with $" + std::string{name} + " it takes more than " +
                  std::to_string(kValueBytesTypedMax) + " bytes",
              StatusCode::kTooLarge);
    }
    if (extent.levels + level - 1 > kLevelsMax) {
      fail_at(begin, "with $" + std::string{name} + " it is nested too deeply; at most " +
                         std::to_string(kLevelsMax) + " levels are passed on");
    }
    return *std::move(value);
  }

  const std::string_view text_;
  const Place begin_;
  const Lookup& variables_;
  std::size_t at_ = 0;
  std::size_t bytes_ = 0;  // of variables
  Status fault_;
};

}  // namespace

Result<Value> parse_value(std::string_view text, const Place& begin, const Lookup& variables) {
  return ValueReader{text, begin, variables}.read();
}

Result<std::string> parse_string(std::string_view text) {
  std::string json;
  json.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      json += "\\n";
    } else if (text[i] == '\t') {
      json += "\\t";
    } else {
      json += text[i];
      if (text[i] == '\\' && i + 1 < text.size()) json += text[++i];
    }
  }
  auto parsed = parse_strict_json(json);
  if (!parsed) return Status{StatusCode::kInvalidArgument, parsed.status().text()};
  auto* string = parsed->get_ptr<std::string*>();
  if (string == nullptr) return Status{StatusCode::kInvalidArgument, "it is no string"};
  return std::move(*string);
}

bool names_a_variable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      i = end_of_string(text, i);
      if (i == std::string_view::npos) return false;
      --i;
    } else if (text[i] == '$' && name_length(text.substr(i + 1)) > 0) {
      return true;
    }
  }
  return false;
}

std::size_t name_length(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return 0;
  std::size_t length = 1;
  while (length < text.size() && (is_letter(text[length]) || is_digit(text[length]))) ++length;
  return length;
}

Result<std::string_view> variable_named(std::string_view text) {
  const auto length = text.starts_with('$') ? name_length(text.substr(1)) : 0;
  if (length == 0) return std::string_view{};
  const auto name = text.substr(1, length);
  const auto rest = text.substr(1 + length);
  const bool is_part =
      rest.starts_with('.') && !rest.ends_with('.') && rest.find("..") == std::string_view::npos;
  if (rest.empty() || is_part) return text.substr(1);
  return Status{StatusCode::kInvalidArgument, "a variable stands alone, but " + in_quotes(rest) +
                                                  " follows $" + std::string{name} +
                                                  "; between quotes it is text"};
}

namespace {

Status resolve_word(Word& word, const Lookup& variables) {
  if (word.literal) return {};
  const bool bracketed = word.text.starts_with('[') || word.text.starts_with('{');
  if (bracketed && names_a_variable(word.text)) {
    auto value = parse_value(word.text, word.at, variables);
    if (!value) return value.status();
    word.value = *std::move(value);
    word.text = word.value->to_json();
    return {};
  }
  const auto at = [&](const Status& status) {
    return Status{status.code(), place_text(word.at) + ": " + status.text()};
  };
  if (word.text.starts_with('"')) {
    const auto text = parse_string(word.text);
    if (text) return {};
    return at({StatusCode::kInvalidArgument,
               in_quotes(word.text) + " is no text (" + text.status().text() +
                   "); write \\\\ for a backslash, or the text between ' and ' as it stands"});
  }
  const auto name = variable_named(word.text);
  if (!name) return at(name.status());
  if (name->empty()) return {};
  auto value = variables(*name);
  if (!value) return at(value.status());
  word.value = *std::move(value);
  word.text = value_as_text(*word.value);
  return {};
}

}  // namespace

Status Variables::set(const std::string& name, Value value) {
  if (name == "self" || name == "it") {
    return {StatusCode::kInvalidArgument,
            name == "self" ? "$self is the pid of this shell; choose another name"
                           : "$it is the result of the last command; choose another name"};
  }
  if (all_.size() >= kMax && !all_.contains(name)) {
    return {StatusCode::kTooLarge,
            "there are " + std::to_string(kMax) + " variables, and no more; use one of them again"};
  }
  all_.insert_or_assign(name, std::move(value));
  return {};
}

namespace {

Status no_part(std::string_view of, const std::string& what) {
  return {StatusCode::kInvalidArgument, "$" + std::string{of} + what};
}

// `path` is .NAME and .NUMBER in a row, or nothing; `named` is what has led to `value`.
Result<Value> part_of(const Value& value, std::string_view named, std::string_view path) {
  if (path.empty()) return value;
  const auto key = path.substr(1, path.find('.', 1) - 1);
  const auto rest = path.substr(1 + key.size());
  const std::string next = std::string{named} + "." + std::string{key};
  if (const auto* map = value.get_if<Value::Map>()) {
    const auto found =
        std::ranges::find(*map, key, [](const auto& one) -> std::string_view { return one.first; });
    if (found != map->end()) return part_of(found->second, next, rest);
    std::vector<std::string> names;
    for (const auto& [name, element] : *map) names.push_back(name);
    const auto near = nearest(key, names);
    return no_part(
        named,
        " has no member " + in_quotes(key) +
            (near.empty() ? "" : "; did you mean $" + std::string{named} + "." + near + "?"));
  }
  const auto* list = value.get_if<Value::List>();
  if (list == nullptr) {
    return no_part(named, " is neither a list nor a map, and has no part " + in_quotes(key));
  }
  std::size_t place = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), place);
  if (error != std::errc{} || end != key.data() + key.size() || place >= list->size()) {
    return no_part(named, " is a list of " + std::to_string(list->size()) +
                              " elements, which are named by numbers from 0, not by " +
                              in_quotes(key));
  }
  return part_of((*list)[place], next, rest);
}

}  // namespace

Result<Value> Variables::find(std::string_view name) const {
  const auto path = name.substr(std::min(name.find('.'), name.size()));
  name.remove_suffix(path.size());
  if (const auto found = all_.find(name); found != all_.end()) {
    return part_of(found->second, name, path);
  }
  std::vector<std::string> names{"self"};
  for (const auto& [known, value] : all_) names.push_back(known);
  const auto near = nearest(name, names);
  return Status{StatusCode::kInvalidArgument,
                "there is no variable $" + std::string{name} +
                    (near.empty() ? "; " + std::string{name} + " = VALUE sets it, and '$" +
                                        std::string{name} + "' is the text"
                                  : "; did you mean $" + near + "?")};
}

Status resolve(std::vector<Word>& words, const Lookup& variables) {
  for (auto& word : words) {
    if (Status status = resolve_word(word, variables); !status.ok()) return status;
  }
  return {};
}

}  // namespace kvmesh::command::shell
