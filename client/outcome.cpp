#include "client/outcome.h"

#include <chrono>
#include <utility>

#include <kvmesh/limits.h>

#include "common/wire/record.h"
#include "common/wire/value_codec.h"

namespace kvmesh::client {
namespace {

std::vector<Hop> hops_of(std::string_view trace) {
  std::vector<Hop> hops;
  while (const auto hop = wire::take_trace_hop(trace)) {
    hops.push_back({std::string{hop->node}, std::string{hop->entry}, std::string{hop->next},
                    std::chrono::microseconds{hop->elapsed_us},
                    std::chrono::microseconds{hop->executed_us}});
  }
  return hops;
}

Status wrong_type(std::string_view function, std::string_view wanted) {
  return {StatusCode::kProtocolError,
          "the node's answer to " + std::string{function} + " is not " + std::string{wanted}};
}

}  // namespace

Outcome outcome_of(const ReplyView& reply) {
  Outcome outcome;
  outcome.trace = hops_of(reply.trace);
  if (reply.code != StatusCode::kOk) {
    outcome.status = {reply.code, std::string{reply.text.substr(0, limits::kErrorTextBytesMax)}};
    return outcome;
  }
  auto result = wire::unpack_value(reply.result);
  if (result) {
    outcome.result = *std::move(result);
  } else {
    outcome.status = {StatusCode::kOutcomeUnknown,
                      "the call was executed, but its result is lost: " + result.status().text()};
  }
  return outcome;
}

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
