#include "client/command/argument.h"

#include <kvmesh/limits.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "client/command/json_lines.h"
#include "client/command/strict_json.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using Json = nlohmann::ordered_json;

std::optional<std::string> bytes_of(const Json& json) {
  if (json.size() != 1 || !json.contains("base64")) return std::nullopt;
  const auto* encoded = json["base64"].get_ptr<const std::string*>();
  return encoded != nullptr ? decode_base64(*encoded) : std::nullopt;
}

// Empty when it is nested too deeply.
std::optional<Value> value_of(const Json& json, std::uint32_t depth_left) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value{json.get<bool>()};
    case Json::value_t::number_integer:
      return Value{json.get<std::int64_t>()};
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(INT64_MAX)) return Value{number};
      return Value{static_cast<std::int64_t>(number)};
    }
    case Json::value_t::number_float:
      return Value{json.get<double>()};
    case Json::value_t::string:
      return Value{json.get<std::string>()};
    case Json::value_t::array: {
      if (depth_left == 0) return std::nullopt;
      Value::List list;
      list.reserve(json.size());
      for (const auto& element : json) {
        auto value = value_of(element, depth_left - 1);
        if (!value) return std::nullopt;
        list.push_back(*std::move(value));
      }
      return Value{std::move(list)};
    }
    case Json::value_t::object: {
      if (depth_left == 0) return std::nullopt;
      if (auto bytes = bytes_of(json)) return Value{Bytes{*std::move(bytes)}};
      Value::Map map;
      map.reserve(json.size());
      for (const auto& [name, element] : json.items()) {
        auto value = value_of(element, depth_left - 1);
        if (!value) return std::nullopt;
        map.emplace_back(name, *std::move(value));
      }
      return Value{std::move(map)};
    }
    default:
      return Value{};
  }
}

}  // namespace

Result<Value> parse_argument(std::string_view text) {
  if (text == "nil") return Value{};
  const auto json = parse_strict_json(text);
  if (!json && json.status().code() != StatusCode::kInvalidArgument) {
    return Status{StatusCode::kInvalidArgument, in_quotes(text) + " " + json.status().text()};
  }
  if (!json) return Value{std::string{text}};
  auto value = value_of(*json, limits::kNestingMax - 1);  // one level is the list of arguments
  if (value) return *std::move(value);
  return Status{StatusCode::kInvalidArgument, in_quotes(text) + " is nested too deeply; at most " +
                                                  std::to_string(limits::kNestingMax - 1) +
                                                  " levels are passed on"};
}

Result<Value::List> parse_arguments(const std::vector<std::string>& texts) {
  Value::List values;
  values.reserve(texts.size());
  for (const auto& text : texts) {
    auto value = parse_argument(text);
    if (!value) {
      return Status{value.status().code(),
                    "argument " + std::to_string(values.size() + 1) + ": " + value.status().text()};
    }
    values.push_back(*std::move(value));
  }
  return values;
}

Result<Pid> parse_pid(std::string_view text, std::string_view node) {
  if (text.starts_with('<')) return Pid::parse(text);
  const bool id_alone = !node.empty() && text.find('/') == std::string_view::npos;
  const std::string whole =
      id_alone ? std::string{node} + "/" + std::string{text} : std::string{text};
  auto pid = Pid::parse("<" + whole + ">");
  if (pid) return pid;
  return Pid::parse(text);  // whose status shows what was written
}

}  // namespace kvmesh::command
