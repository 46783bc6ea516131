#include "node/core/modules.h"

#include <cstdlib>

#include "common/text.h"

namespace kvmesh::core {

void Modules::define(std::string function, Handler handler) {
  const auto [at, added] = handlers_.emplace(std::move(function), std::move(handler));
  if (!added) std::abort();
}

const Handler* Modules::find(std::string_view function) const {
  const auto found = handlers_.find(function);
  return found == handlers_.end() ? nullptr : &found->second;
}

Status Modules::undefined(std::string_view node, std::string_view function) const {
  std::string names;
  for (const auto& [name, handler] : handlers_)
    names.append(names.empty() ? "" : ", ").append(name);
  return {StatusCode::kUndefinedFunction,
          std::string{node} + " has no function " + quoted(function) + "; it has: " + names};
}

}  // namespace kvmesh::core
