#include "client/command/shell/variables.h"

#include <utility>

#include "client/command/base/usage.h"

namespace kvmesh::command::shell {
namespace {

Status resolve_word(Word& word, const Lookup& variables) {
  if (word.literal) return {};
  const bool bracketed = word.text.starts_with('[') || word.text.starts_with('{');
  if (bracketed && names_a_variable(word.text)) {
    auto value = parse_value(word.text, word.at, variables);
    if (!value) return value.status();
    word.value = *std::move(value);
    word.text = word.value->to_json();
    return {};
  }
  const auto at = [&](const Status& status) {
    return Status{status.code(), place_text(word.at) + ": " + status.text()};
  };
  const auto name = variable_named(word.text);
  if (!name) return at(name.status());
  if (name->empty()) return {};
  auto value = variables(*name);
  if (!value) return at(value.status());
  word.value = *std::move(value);
  word.text = value_as_text(*word.value);
  return {};
}

}  // namespace

Status Variables::set(const std::string& name, Value value) {
  if (name == "self" || name == "it") {
    return {StatusCode::kInvalidArgument,
            name == "self" ? "$self is the pid of this shell; choose another name"
                           : "$it is the result of the last command; choose another name"};
  }
  if (all_.size() >= kMax && !all_.contains(name)) {
    return {StatusCode::kTooLarge,
            "there are " + std::to_string(kMax) + " variables, and no more; use one of them again"};
  }
  all_.insert_or_assign(name, std::move(value));
  return {};
}

Result<Value> Variables::find(std::string_view name) const {
  if (const auto found = all_.find(name); found != all_.end()) return found->second;
  std::vector<std::string> names{"self"};
  for (const auto& [known, value] : all_) names.push_back(known);
  const auto near = nearest(name, names);
  return Status{StatusCode::kInvalidArgument,
                "there is no variable $" + std::string{name} +
                    (near.empty() ? "; " + std::string{name} + " = VALUE sets it, and '$" +
                                        std::string{name} + "' is the text"
                                  : "; did you mean $" + near + "?")};
}

Status resolve(std::vector<Word>& words, const Lookup& variables) {
  for (auto& word : words) {
    if (Status status = resolve_word(word, variables); !status.ok()) return status;
  }
  return {};
}

}  // namespace kvmesh::command::shell
