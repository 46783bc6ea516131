#pragma once

#include <kvmesh/limits.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/shell/statement.h"

/// Lists and maps as one types them: JSON in which names and texts of one word need no quotes, and
/// variables may stand for elements. Pure functions.
namespace kvmesh::command::shell {

/// The value of a variable or of a part of it, named without its $. kInvalidArgument when there is
/// none.
using Lookup = std::function<Result<Value>(std::string_view name)>;

/// The most bytes that the values of one list or map may take together.
inline constexpr std::size_t kValueBytesTypedMax = limits::kFrameBytesMax;

/// [1, two, "three four", nil], {name: $value}; `begin` is where `text` stands. Without `variables`
/// $name is text. kInvalidArgument, which names the place: a part is missing or too much, a member
/// is there twice, it is nested deeper than limits::kNestingMax allows, a variable does not exist.
/// kTooLarge: over kValueBytesTypedMax.
Result<Value> parse_value(std::string_view text, const Place& begin, const Lookup& variables);

/// What is between the double quotes of a JSON string, which may have line ends and tabs in it.
/// kInvalidArgument when `text` is not one string and no more.
Result<std::string> parse_string(std::string_view text);

/// Whether the text of a list or map names a variable: $name outside of double quotes.
bool names_a_variable(std::string_view text);

/// The length of the name of a variable, [A-Za-z_][A-Za-z0-9_]*, at the beginning of `text`; 0 when
/// there is none.
std::size_t name_length(std::string_view text);

/// The variable that a word or an element stands for, perhaps with a part of it: name.member.0.
/// Empty when it is none: it does not begin with $ and a letter or underscore. kInvalidArgument
/// when something else follows the name.
Result<std::string_view> variable_named(std::string_view text);

/// What the shell keeps by name. One thread.
class Variables {
 public:
  static constexpr std::size_t kMax = 1000;

  /// kInvalidArgument: `self` and `it` are the shell's own. kTooLarge: there are kMax.
  Status set(const std::string& name, Value value);
  /// What `$it` is: the result of the last command that has one.
  void set_last(Value value) { all_["it"] = std::move(value); }
  /// Of a map a member is named by .NAME, of a list an element by .NUMBER, from 0. kInvalidArgument
  /// when there is none; the text names the nearest.
  Result<Value> find(std::string_view name) const;
  const std::map<std::string, Value, std::less<>>& all() const { return all_; }

 private:
  std::map<std::string, Value, std::less<>> all_;
};

/// Puts values in the place of the variables among the words. kInvalidArgument or kTooLarge, which
/// name the place, when that cannot be, and for a word in double quotes that is no JSON string.
Status resolve(std::vector<Word>& words, const Lookup& variables);

}  // namespace kvmesh::command::shell
