#pragma once

#include <kvmesh/limits.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a line of the shell is made of. The language, and where its parts are read:
///
///   COMMAND WORD...          run a command (shell_command.h)
///   NAME = COMMAND WORD...   keep its result in a variable (statement.h, shell_values.h)
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

  /// Neither text whatever it looks like, nor a variable: it can be an option or another word that
  /// means something.
  bool is_bare() const { return !literal && !value; }
  bool is(std::string_view meaning) const { return is_bare() && text == meaning; }

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

/// NAME = WORD..., or WORD... alone.
struct Statement {
  std::string name;  // of the variable that is set; empty: none
  std::vector<Word> words;
};

/// The most bytes of a statement, with all its lines.
inline constexpr std::size_t kStatementBytesMax = limits::kFrameBytesMax;

/// Puts lines together to statements. A value type.
class StatementReader {
 public:
  /// `first_line`: the number of the next line, for faults; 0 at a prompt.
  explicit StatementReader(std::size_t first_line = 0) : line_(first_line) {}

  /// Takes a line, without its end. kTooLarge, and nothing more is taken: the statement is over
  /// kStatementBytesMax.
  Status add(std::string_view line);
  /// Whether the statement goes on on the next line.
  bool is_open() const { return state_ != State::kBetween || goes_on_; }
  /// What is open, and where it was opened. REQUIRES: is_open().
  Status unclosed() const;
  /// All lines so far as one to type: only within quotes it still has line ends.
  const std::string& text() const { return text_; }
  /// The statement, which has no words when there was none. REQUIRES: not is_open().
  Statement take() { return std::move(statement_); }

 private:
  enum class State : std::uint8_t { kBetween, kRun, kLiteral, kString, kBrackets };

  std::size_t begin(std::string_view line);
  void step(char c);
  void start_word(char c);
  void end_line();
  void end_word();

  std::size_t line_;
  std::size_t column_ = 0;
  std::size_t bytes_ = 0;
  std::string text_;
  State state_ = State::kBetween;
  bool any_line_ = false;
  bool goes_on_ = false;  // after a backslash
  bool quoted_ = false;   // in a string within brackets
  bool escaped_ = false;  // after a backslash in a string
  std::size_t depth_ = 0;
  Place opened_;
  Word word_;
  Statement statement_;
};

/// The words of one line. kInvalidArgument when something in it is not closed.
Result<std::vector<Word>> split_words(std::string_view line);

/// What `help` says of the language, in lines.
std::string_view language_help();

}  // namespace kvmesh::command::shell
