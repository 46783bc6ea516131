#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

namespace kvmesh {

/// Which task functions callers from outside may call: what tasks.allow says. An immutable value;
/// thread-safe to read.
class Allowed {
 public:
  /// Without a list: every function that a loaded module defines.
  Allowed() = default;

  /// Patterns are `module.function`, `module.*` and `*`; names are a lower case letter or `_`, then
  /// such, digits too. No pattern at all allows nothing. kInvalidArgument, with what to write
  /// instead, for anything else; also for the modules kv and node, which no list can forbid.
  static Result<Allowed> parse(const std::vector<std::string>& patterns);

  /// Whether a caller from outside may call "module.function". Those of kv and node always; what
  /// does not exist is not known here. Compares text, at most a logarithm of the list: whoever
  /// calls it for every request may as well ask once for each function.
  bool allows(std::string_view function) const;

  /// Whether there is a list at all.
  bool restricted() const { return restricted_; }
  /// As given, without what is there twice, sorted.
  const std::vector<std::string>& patterns() const { return patterns_; }

  friend bool operator==(const Allowed&, const Allowed&) = default;

 private:
  bool has(std::string_view pattern) const;

  bool restricted_ = false;
  std::vector<std::string> patterns_;  // sorted
};

}  // namespace kvmesh
