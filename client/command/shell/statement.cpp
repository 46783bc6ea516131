#include "client/command/shell/statement.h"

#include <algorithm>
#include <utility>

#include "client/command/base/values.h"
#include "client/command/shell/shell_values.h"
#include "common/text.h"

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
  if (!word.is_bare() || !word.text.starts_with('"')) return word.text;
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

namespace {

constexpr std::string_view kWordSpace = " \t\r\n";

bool is_space(char c) { return kWordSpace.find(c) != std::string_view::npos; }

}  // namespace

Status StatementReader::add(std::string_view line) {
  if (any_line_) line_ = line_ == 0 ? 2 : line_ + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  bytes_ += line.size() + 1;
  if (bytes_ > kStatementBytesMax) {
    return {StatusCode::kTooLarge,
            is_open()
                ? unclosed().text() + " within " + std::to_string(kStatementBytesMax) + " bytes"
                : over_limit("a line", line.size(), kStatementBytesMax)};
  }
  const bool first = !std::exchange(any_line_, true);
  goes_on_ = false;
  const std::size_t from = first ? begin(line) : 0;
  text_ += line;
  for (column_ = from + 1; column_ <= line.size(); ++column_) step(line[column_ - 1]);
  end_line();
  return {};
}

// Where the words begin: a comment has none, and after NAME = come those of its value. `create =x`
// is a command with a word.
std::size_t StatementReader::begin(std::string_view line) {
  const auto start = std::min(line.find_first_not_of(kWordSpace), line.size());
  if (line.substr(start).starts_with('#')) return line.size();
  const auto length = name_length(line.substr(start));
  const auto equals = line.find_first_not_of(kWordSpace, start + length);
  if (length == 0 || equals == std::string_view::npos || line[equals] != '=') return start;
  const bool adjacent = equals == start + length;
  const bool alone = equals + 1 == line.size() || is_space(line[equals + 1]);
  if (!adjacent && !alone) return start;
  statement_.name = line.substr(start, length);
  return equals + 1;
}

void StatementReader::step(char c) {
  switch (state_) {
    case State::kBetween:
      if (!is_space(c)) start_word(c);
      return;
    case State::kRun:
      if (is_space(c)) return end_word();
      word_.text += c;
      return;
    case State::kLiteral:
      if (c == '\'') return end_word();
      word_.text += c;
      return;
    case State::kString:
    case State::kBrackets:
      break;
  }
  word_.text += c;
  const bool in_string = state_ == State::kString || quoted_;
  if (in_string && !std::exchange(escaped_, !escaped_ && c == '\\') && c == '"') {
    quoted_ = false;
    if (state_ == State::kString) state_ = State::kRun;
  } else if (!in_string && c == '"') {
    quoted_ = true;
  } else if (!in_string && (c == '[' || c == '{')) {
    ++depth_;
  } else if (!in_string && (c == ']' || c == '}') && --depth_ == 0) {
    state_ = State::kRun;
  }
}

void StatementReader::start_word(char c) {
  opened_ = {line_, column_};
  word_ = {{}, c == '\'', opened_, {}};
  escaped_ = quoted_ = false;
  if (c == '\'') {
    state_ = State::kLiteral;
    return;
  }
  word_.text += c;
  depth_ = 1;
  state_ = State::kRun;
  if (c == '"') state_ = State::kString;
  if (c == '[' || c == '{') state_ = State::kBrackets;
}

void StatementReader::end_line() {
  if (state_ == State::kRun && word_.text == "\\") {
    state_ = State::kBetween;
    goes_on_ = true;
    text_.erase(text_.rfind('\\'));
  } else if (state_ == State::kRun) {
    end_word();
  } else if (state_ != State::kBetween) {
    word_.text += '\n';
    escaped_ = false;
    text_ += state_ == State::kBrackets && !quoted_ ? ' ' : '\n';
  }
}

void StatementReader::end_word() {
  state_ = State::kBetween;
  statement_.words.push_back(std::move(word_));
}

Status StatementReader::unclosed() const {
  const std::string what = goes_on_ ? "nothing follows the \\ at the line's end"
                           : state_ == State::kBrackets
                               ? "the " + word_.text.substr(0, 1) + " is not closed"
                               : "the quote is not closed";
  return {StatusCode::kInvalidArgument, place_text(opened_) + ": " + what};
}

Result<std::vector<Word>> split_words(std::string_view line) {
  StatementReader reader;
  if (Status status = reader.add(line); !status.ok()) return status;
  if (reader.is_open()) return reader.unclosed();
  return reader.take().words;
}

std::string_view language_help() {
  return "\n"
         "  NAME = COMMAND ...  keep its result; NAME = VALUE keeps a value\n"
         "  $NAME               that variable, as a word, in a list or map, or alone to print it;\n"
         "                      $self is the pid of this shell, $it the last result; $x.name is\n"
         "                      a member of a map, $x.0 the first element of a list\n"
         "  VALUE               1, true, nil, text, \"two words\", [1, two], {name: $x};\n"
         "                      '...' is text as it stands: '$x', '[1'\n"
         "\n"
         "A statement goes on on the next line after an open quote, [ or {, and after \\ at the "
         "end.\n";
}

}  // namespace kvmesh::command::shell
