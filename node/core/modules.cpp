#include "node/core/modules.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "common/text.h"

namespace kvmesh::core {

void Modules::define(std::string function, Handler handler, Hint hint, Cost cost) {
  const auto [at, added] =
      functions_.emplace(std::move(function), Function{std::move(handler), std::move(hint), cost});
  if (!added) std::abort();
}

const Function* Modules::find(std::string_view function) const {
  const auto found = functions_.find(function);
  return found == functions_.end() ? nullptr : &found->second;
}

Status Modules::undefined(std::string_view node, std::string_view function) const {
  std::vector<std::string_view> sorted;
  sorted.reserve(functions_.size());
  for (const auto& [name, entry] : functions_) sorted.push_back(name);
  std::ranges::sort(sorted);
  std::string names;
  for (const auto name : sorted) names.append(names.empty() ? "" : ", ").append(name);
  return {StatusCode::kUndefinedFunction,
          std::string{node} + " has no function " + in_quotes(function) + "; it has: " + names};
}

}  // namespace kvmesh::core
