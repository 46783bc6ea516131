#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include <kvmesh/value.h>
#include <nlohmann/json.hpp>

#include "common/utf8.h"

namespace kvmesh {
namespace {

using Json = nlohmann::ordered_json;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto here = bytes.substr(i, 3);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < here.size() ? static_cast<std::uint8_t>(here[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= here.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Json json_of_bytes(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  return Json{{"base64", base64(bytes)}};
}

Json json_of(const Value& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, Bytes>) {
          return json_of_bytes(held.data);
        } else if constexpr (std::is_same_v<Held, std::string>) {
          return json_of_bytes(held);  // a text of others may be any bytes
        } else if constexpr (std::is_same_v<Held, Value::List>) {
          auto out = Json::array();
          for (const auto& element : held) out.push_back(json_of(element));
          return out;
        } else if constexpr (std::is_same_v<Held, Value::Map>) {
          auto out = Json::object();
          for (const auto& [key, element] : held) out[key] = json_of(element);
          return out;
        } else {
          return held;
        }
      },
      value.data());
}

}  // namespace

std::optional<std::uint64_t> Value::to_uint() const {
  if (const auto* number = get_if<std::uint64_t>()) return *number;
  const auto* number = get_if<std::int64_t>();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

const std::string* Value::bytes_or_text() const {
  if (const auto* bytes = get_if<Bytes>()) return &bytes->data;
  return get_if<std::string>();
}

const Value* Value::find(std::string_view key) const {
  const auto* map = get_if<Map>();
  if (map == nullptr) return nullptr;
  for (const auto& [name, value] : *map) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string Value::to_json() const {
  return json_of(*this).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kvmesh
