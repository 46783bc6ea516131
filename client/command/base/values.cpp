#include "client/command/base/values.h"

#include <kvmesh/limits.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/base/json.h"
#include "client/command/base/table.h"
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

namespace {

// What stands in the first {"base64": "..."} that is no bytes; null: there is none.
const std::string* no_base64(const Json& json) {
  if (json.is_object() && json.size() == 1 && json.contains("base64") && !bytes_of(json)) {
    return json["base64"].get_ptr<const std::string*>();
  }
  if (!json.is_structured()) return nullptr;
  for (const auto& element : json) {
    if (const auto* found = no_base64(element)) return found;
  }
  return nullptr;
}

}  // namespace

std::string text_warning(std::string_view text) {
  constexpr std::size_t kShownMax = 64;
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  if (std::string_view{"[{\""}.find(text[begin]) == std::string_view::npos) return {};
  const auto json = parse_strict_json(text);
  if (const auto* digits = json ? no_base64(*json) : nullptr) {
    return in_quotes(*digits, kShownMax) +
           " is no base64, so that {\"base64\": ...} is passed on as a map, not as bytes";
  }
  if (json || json.status().code() != StatusCode::kInvalidArgument) return {};
  std::string out = in_quotes(text, kShownMax) + " is no JSON (" + json.status().text() +
                    ") and is passed on as text; to mean that, write a JSON string";
  const auto as_text = Value{std::string{text}}.to_json();
  const bool can_be_copied =
      as_text.find('\'') == std::string::npos && printable(as_text) == as_text;
  if (text.size() <= kShownMax && can_be_copied) out += ": '" + as_text + "'";
  return out;
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

namespace {

// Of a double that may be none that JSON knows.
std::string number_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return Value{number}.to_json();  // the shortest that reads back as the same
}

class Writer {
 public:
  explicit Writer(std::size_t width) : width_(width) {}

  // `used`: columns that stand before it on its line.
  void write(const Value& value, std::size_t indent, std::size_t used) {
    const std::string line = one_line(value);
    const bool fits = used + display_width(line) <= width_;
    const auto* list = fits ? nullptr : value.get_if<Value::List>();
    const auto* map = fits ? nullptr : value.get_if<Value::Map>();
    if (list != nullptr && !list->empty() && std::ranges::all_of(*list, is_simple)) {
      write_packed(*list, indent);
    } else if (list != nullptr && !list->empty()) {
      write_all(*list, '[', ']', indent, [&](const Value& element) {
        write(element, indent + kIndent, indent + kIndent + 1);
      });
    } else if (map != nullptr && !map->empty()) {
      write_all(*map, '{', '}', indent, [&](const auto& entry) {
        const std::string name = quoted_text(entry.first) + ": ";
        out_ += name;
        write(entry.second, indent + kIndent, indent + kIndent + display_width(name) + 1);
      });
    } else {
      out_ += line;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  static constexpr std::size_t kIndent = 2;

  template <typename Elements, typename Write>
  void write_all(const Elements& elements, char open, char close, std::size_t indent,
                 Write&& write_element) {
    out_ += open;
    bool first = true;
    for (const auto& element : elements) {
      out_ += first ? "\n" : ",\n";
      first = false;
      out_.append(indent + kIndent, ' ');
      write_element(element);
    }
    out_ += '\n';
    out_.append(indent, ' ');
    out_ += close;
  }

  // Not made of others.
  static bool is_simple(const Value& value) {
    return value.get_if<Value::List>() == nullptr && value.get_if<Value::Map>() == nullptr;
  }

  // As many in a line as fit.
  void write_packed(const Value::List& list, std::size_t indent) {
    out_ += '[';
    std::size_t used = 0;  // of the line, with the comma at its end
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string text = one_line(list[i]) + (i + 1 < list.size() ? "," : "");
      const std::size_t size = display_width(text);
      if (i == 0 || used + 1 + size > width_) {
        out_ += '\n';
        out_.append(indent + kIndent, ' ');
        used = indent + kIndent + size;
      } else {
        out_ += ' ';
        used += 1 + size;
      }
      out_ += text;
    }
    out_ += '\n';
    out_.append(indent, ' ');
    out_ += ']';
  }

  static std::string one_line(const Value& value) {
    return std::visit(
        [&](const auto& held) -> std::string {
          using Held = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<Held, std::monostate>) {
            return "nil";
          } else if constexpr (std::is_same_v<Held, std::string>) {
            return quoted_text(held);
          } else if constexpr (std::is_same_v<Held, Bytes>) {
            return "b" + quoted_text(held.data);
          } else if constexpr (std::is_same_v<Held, double>) {
            return number_text(held);
          } else if constexpr (std::is_same_v<Held, Value::List>) {
            std::string out = "[";
            for (const auto& element : held) {
              out += (out.size() > 1 ? ", " : "") + one_line(element);
            }
            return out + "]";
          } else if constexpr (std::is_same_v<Held, Value::Map>) {
            std::string out = "{";
            for (const auto& [name, element] : held) {
              out += (out.size() > 1 ? ", " : "") + quoted_text(name) + ": " + one_line(element);
            }
            return out + "}";
          } else {
            return value.to_json();
          }
        },
        value.data());
  }

  std::size_t width_;
  std::string out_;
};

}  // namespace

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : escape(text)) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string value_text(const Value& value, std::size_t width) {
  Writer writer{width};
  writer.write(value, 0, 0);
  return writer.take();
}

}  // namespace kvmesh::command
