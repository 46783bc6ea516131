#include "common/config/toml_text.h"

#include <algorithm>
#include <utility>
#include <vector>

// toml++ 3.3 asserts what malformed text can break: "[=" at the beginning of a line. Without the
// assertion it tells the fault, as of any other text. Where NDEBUG is defined it would have clang
// rely on it instead.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "common/text.h"

namespace kvmesh::config {
namespace {

// Gives every value its place: a line of a file, or the one place that a value without lines came
// from.
class Converter {
 public:
  Converter(Place place, bool has_lines) : place_(std::move(place)), has_lines_(has_lines) {}

  Value convert(const toml::node& node) const {
    Value out;
    out.place = at(node.source());
    if (const auto* string = node.as_string()) {
      out.kind = Value::Kind::kString;
      out.text = string->get();
    } else if (const auto* integer = node.as_integer()) {
      out.kind = Value::Kind::kInteger;
      out.integer = integer->get();
    } else if (const auto* boolean = node.as_boolean()) {
      out.kind = Value::Kind::kBoolean;
      out.integer = boolean->get() ? 1 : 0;
    } else if (const auto* array = node.as_array()) {
      out.kind = Value::Kind::kArray;
      for (const toml::node& item : *array) out.children.push_back(convert(item));
    } else if (const auto* table = node.as_table()) {
      out.kind = Value::Kind::kTable;
      add_members(*table, out);
    } else {
      out.kind = node.is_floating_point() ? Value::Kind::kFloat : Value::Kind::kOther;
    }
    return out;
  }

 private:
  Place at(const toml::source_region& region) const {
    Place out = place_;
    if (has_lines_) out.line = static_cast<std::uint32_t>(region.begin.line);
    return out;
  }

  // toml++ sorts a table by key; peers are wanted in the order of the file.
  void add_members(const toml::table& table, Value& out) const {
    std::vector<std::pair<toml::source_position, Value>> members;
    for (const auto& [key, node] : table) {
      Value member = convert(node);
      member.key = std::string{key.str()};
      if (member.is_table()) member.place = at(key.source());
      members.emplace_back(key.source().begin, std::move(member));
    }
    std::ranges::stable_sort(members, [](const auto& a, const auto& b) {
      return std::pair{a.first.line, a.first.column} < std::pair{b.first.line, b.first.column};
    });
    for (auto& member : members) out.children.push_back(std::move(member.second));
  }

  Place place_;
  bool has_lines_;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The table that line `number` (from 1) of a document stands in, and the key that is defined there,
// as written.
std::pair<std::string_view, std::string_view> key_at(std::string_view text, std::size_t number) {
  std::string_view table;
  std::string_view line;
  for (std::size_t i = 1; i <= number && !text.empty(); ++i) {
    const auto end = std::min(text.find('\n'), text.size());
    line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (i < number && line.starts_with('[') && line.find(']') != std::string_view::npos) {
      table = trimmed(line.substr(1, line.find(']') - 1));
    }
  }
  if (line.starts_with('[')) return {"", trimmed(line.substr(1, line.find(']') - 1))};
  return {table, trimmed(line.substr(0, line.find('=')))};
}

void add_syntax_fault(std::string_view text, const std::string& path,
                      const toml::parse_error& error, Faults& faults) {
  Place place{Place::Origin::kFile, path, static_cast<std::uint32_t>(error.source().begin.line)};
  if (error.description().find("cannot redefine") == std::string_view::npos) {
    faults.add(place, "TOML",
               "syntax error: " + std::string{error.description()} +
                   "; correct this line or the one before it");
    return;
  }
  const auto [table, key] = key_at(text, place.line);
  std::string name{table};
  if (!name.empty()) name += '.';
  name += key;
  if (table == "mesh.peers") {
    faults.add(
        place, name,
        "is the second peer of this name in this file; names are unique, so keep one of the two");
  } else {
    faults.add(place, name, "is defined a second time in this file; keep one of the two");
  }
}

}  // namespace

std::optional<Value> parse_toml(std::string_view text, const std::string& path, Faults& faults) {
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    add_syntax_fault(text, path, result.error(), faults);
    return std::nullopt;
  }
  return Converter{Place{Place::Origin::kFile, path, 0}, true}.convert(result.table());
}

std::optional<Value> parse_toml_value(std::string_view text, const Place& place) {
  const toml::parse_result result = toml::parse("value = " + std::string{text});
  // More than one member: the text has a line break and goes on like a document.
  if (!result || result.table().size() != 1) return std::nullopt;
  const toml::node* node = result.table().get("value");
  if (node == nullptr) return std::nullopt;
  return Converter{place, false}.convert(*node);
}

}  // namespace kvmesh::config
