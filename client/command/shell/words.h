#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a line of the shell is made of. The language, and where its parts are read:
///
///   COMMAND WORD...          run a command (shell_command.h)
///   NAME = COMMAND WORD...   keep its result in a variable (statement.h, variables.h)
///   NAME = VALUE             keep a value
///   $NAME                    print a variable
///   # ...                    a comment
///
///   VALUE   1, -2.5, true, nil or null, "text", text, 'text as it stands', [1, two], {name: 1}
///           (shell_values.h); in the place of any of them $NAME, and $self, $it
///
/// White space parts words, but not within '...', nor in a word that begins as a string, list or
/// map. A statement goes on on the next line after an open quote, bracket or brace, and after a
/// word that is a single backslash at the end of a line.
namespace kvmesh::command::shell {

/// Where something stands in what was typed; both count from 1.
struct Place {
  std::size_t line = 0;  // 0: in the only line, or the first of some, that was typed at a prompt
  std::size_t column = 1;
};

/// "column 5", "line 3, column 5".
std::string place_text(const Place& place);
/// The place of `text[offset]`, when `text` begins at `begin`.
Place place_within(const Place& begin, std::string_view text, std::size_t offset);

struct Word {
  std::string text;                 // as written, but for single quotes; or the variable's as text
  bool literal = false;             // stood between single quotes: text, whatever it looks like
  Place at = {};                    // where it begins
  std::optional<Value> value = {};  // of a variable, or of a list or map with variables in it

  friend bool operator==(const Word& a, const Word& b) {
    return a.text == b.text && a.literal == b.literal && a.value == b.value;
  }
};

/// A word where text is wanted, as a bucket's name: what is in its quotes, else the word itself. A
/// list or map is its text as written; one with variables in it is JSON.
std::string text_of(const Word& word);

/// A word as an argument of a function; see parse_argument() and parse_value(). kInvalidArgument:
/// it begins as a list or map, and is none; the text names the place.
Result<Value> value_of(const Word& word);

/// What a variable's value is where text is wanted: text and bytes as they are, others as JSON.
std::string value_as_text(const Value& value);

}  // namespace kvmesh::command::shell
