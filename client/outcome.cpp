#include "client/outcome.h"

#include <utility>

namespace kvmesh::client {
namespace {

Status wrong_type(std::string_view function, std::string_view wanted) {
  return {StatusCode::kProtocolError,
          "the node's answer to " + std::string{function} + " is not " + std::string{wanted}};
}

}  // namespace

Result<std::optional<std::string>> value_of(Outcome outcome, std::string_view function) {
  if (!outcome.status.ok()) return std::move(outcome.status);
  if (outcome.result.is_nil()) return std::optional<std::string>{};
  if (auto* bytes = outcome.result.get_if<Bytes>()) return std::optional{std::move(bytes->data)};
  return wrong_type(function, "bytes or nil");
}

Result<std::string> text_of(Outcome outcome, std::string_view function) {
  if (!outcome.status.ok()) return std::move(outcome.status);
  if (auto* text = outcome.result.get_if<std::string>()) return std::move(*text);
  return wrong_type(function, "a text");
}

Result<std::uint64_t> count_of(Outcome outcome, std::string_view function) {
  if (!outcome.status.ok()) return std::move(outcome.status);
  if (const auto number = outcome.result.to_uint()) return *number;
  return wrong_type(function, "a number");
}

Result<Names> names_of(Outcome outcome, std::string_view function) {
  if (!outcome.status.ok()) return std::move(outcome.status);
  constexpr std::string_view kWanted = "a page of names";
  auto* page = outcome.result.get_if<Value::List>();
  if (page == nullptr || page->size() < 2) return wrong_type(function, kWanted);
  const auto* more = (*page)[0].get_if<bool>();
  auto* list = (*page)[1].get_if<Value::List>();
  if (more == nullptr || list == nullptr) return wrong_type(function, kWanted);
  Names names;
  names.more = *more;
  names.names.reserve(list->size());
  for (auto& name : *list) {
    auto* bytes = name.get_if<Bytes>();
    if (bytes == nullptr) return wrong_type(function, kWanted);
    names.names.push_back(std::move(bytes->data));
  }
  return names;
}

}  // namespace kvmesh::client
