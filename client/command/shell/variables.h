#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/shell/shell_values.h"
#include "client/command/shell/words.h"

namespace kvmesh::command::shell {

/// What the shell keeps by name. One thread.
class Variables {
 public:
  static constexpr std::size_t kMax = 1000;

  /// kInvalidArgument: `self` and `it` are the shell's own. kTooLarge: there are kMax.
  Status set(const std::string& name, Value value);
  /// What `$it` is: the result of the last command that has one.
  void set_last(Value value) { all_["it"] = std::move(value); }
  /// kInvalidArgument when there is none; the text names the nearest.
  Result<Value> find(std::string_view name) const;
  const std::map<std::string, Value, std::less<>>& all() const { return all_; }

 private:
  std::map<std::string, Value, std::less<>> all_;
};

/// Puts values in the place of the variables among the words. kInvalidArgument or kTooLarge, which
/// name the place, when that cannot be.
Status resolve(std::vector<Word>& words, const Lookup& variables);

}  // namespace kvmesh::command::shell
