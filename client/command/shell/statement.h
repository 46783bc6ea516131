#pragma once

#include <kvmesh/limits.h>
#include <kvmesh/status.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/shell/words.h"

namespace kvmesh::command::shell {

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
