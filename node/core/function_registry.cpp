#include "node/core/function_registry.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "common/text.h"

namespace kvmesh::core {

void FunctionRegistry::define(std::string function, Handler handler, Cost cost) {
  add(std::move(function), {std::move(handler), nullptr, 0, cost});
}

void FunctionRegistry::define(std::string function, Runner& runner, std::uint8_t number,
                              Cost cost) {
  add(std::move(function), {{}, &runner, number, cost});
}

namespace {

Cost cost_of(const functions::Function& function) {
  return function.is_costly ? Cost::kMuch : Cost::kLittle;
}

}  // namespace

void FunctionRegistry::define(const functions::Function& function, Handler handler) {
  define(function.str(), std::move(handler), cost_of(function));
}

void FunctionRegistry::define(const functions::Function& function, Runner& runner,
                              std::uint8_t number) {
  define(function.str(), runner, number, cost_of(function));
}

void FunctionRegistry::add(std::string name, Function function) {
  function.known = functions::find(name);
  if (!functions_.emplace(std::move(name), std::move(function)).second) std::abort();
}

const Function* FunctionRegistry::find(std::string_view function) const {
  const auto found = functions_.find(function);
  return found == functions_.end() ? nullptr : &found->second;
}

Status FunctionRegistry::undefined(std::string_view node, std::string_view function) const {
  const auto advice = advice_ ? advice_(function) : std::string{};
  if (!advice.empty()) {
    return {StatusCode::kUndefinedFunction, std::string{node} + " has no function " +
                                                in_quotes(function) + " of its own; it is " +
                                                advice};
  }
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
