#include "common/config/allowed.h"

#include <algorithm>

#include <kvmesh/limits.h>

#include "common/text.h"

namespace kvmesh {
namespace {

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_built_in(std::string_view module) { return module == "kv" || module == "node"; }

Status check_pattern(std::string_view pattern) {
  const auto refuse = [&](std::string_view why) {
    return Status{StatusCode::kInvalidArgument, in_quotes(pattern) + std::string{why}};
  };
  if (pattern == "*") return {};
  const auto dot = pattern.find('.');
  const auto module = pattern.substr(0, dot);
  const auto function =
      dot == std::string_view::npos ? std::string_view{} : pattern.substr(dot + 1);
  if (pattern.size() > limits::kFunctionNameBytesMax || !is_name(module) ||
      (function != "*" && !is_name(function))) {
    return refuse(
        " is not a pattern; write module.function, module.* or *, with names of lower case "
        "letters, digits and '_'");
  }
  if (is_built_in(module)) {
    return refuse(" has no effect, because " + std::string{module} +
                  " can always be called; name modules of your own");
  }
  return {};
}

}  // namespace

Result<Allowed> Allowed::parse(const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) {
    if (auto status = check_pattern(pattern); !status.ok()) return status;
  }
  Allowed out;
  out.restricted_ = true;
  out.patterns_ = patterns;
  std::ranges::sort(out.patterns_);
  const auto rest = std::unique(out.patterns_.begin(), out.patterns_.end());
  out.patterns_.erase(rest, out.patterns_.end());
  return out;
}

bool Allowed::allows(std::string_view function) const {
  if (!restricted_) return true;
  const auto dot = function.find('.');
  if (dot == std::string_view::npos) return has("*");
  const auto module = function.substr(0, dot);
  return is_built_in(module) || has("*") || has(function) || has(std::string{module} + ".*");
}

bool Allowed::has(std::string_view pattern) const {
  return std::ranges::binary_search(patterns_, pattern);
}

}  // namespace kvmesh
