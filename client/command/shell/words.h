#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <string>
#include <string_view>
#include <vector>

/// A line of the shell as words. Pure functions.
namespace kvmesh::command::shell {

struct Word {
  std::string text;      // as written, but for single quotes
  bool literal = false;  // stood between single quotes: text, whatever it looks like

  friend bool operator==(const Word&, const Word&) = default;
};

/// White space parts words, but not within '...', nor in a word that begins as a JSON string, list
/// or map: "two words", [1, 2], {"a": 1}. A line that begins with # has none. kInvalidArgument when
/// a quote or a bracket is not closed.
Result<std::vector<Word>> split_words(std::string_view line);

/// A word where text is wanted, as a bucket's name: what is in its quotes, else the word itself.
std::string text_of(const Word& word);

/// A word as an argument of a function; see parse_argument().
Result<Value> value_of(const Word& word);

}  // namespace kvmesh::command::shell
