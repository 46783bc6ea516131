#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include <kvmesh/value.h>
#include <nlohmann/json.hpp>

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

// Bytes in a string that begin a well-formed UTF-8 sequence there; 0 when they do not (Unicode,
// table 3-7).
std::size_t sequence_bytes(std::string_view rest) {
  const auto at = [&](std::size_t i) {
    return i < rest.size() ? static_cast<std::uint8_t>(rest[i]) : std::uint8_t{0};
  };
  const auto follows = [&](std::size_t i, int low = 0x80, int high = 0xbf) {
    return low <= at(i) && at(i) <= high;
  };
  const auto first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = sequence_bytes(bytes);
    if (count == 0) return false;
    bytes.remove_prefix(count);
  }
  return true;
}

Json json_of(const Value& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, Bytes>) {
          if (is_utf8(held.data)) return held.data;
          return Json{{"base64", base64(held.data)}};
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
