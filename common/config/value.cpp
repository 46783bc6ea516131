#include "common/config/value.h"

#include <algorithm>
#include <utility>

#include "common/text.h"

namespace kvmesh::config {
namespace {

bool is_bare(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// A name that another program chose; one with a line break would make two faults of one.
std::string source_text(const std::string& source) {
  const bool plain = std::ranges::all_of(
      source, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  return plain ? source : in_quotes(source, source.size());
}

}  // namespace

std::string Place::to_string() const {
  switch (origin) {
    case Origin::kDefault:
      return "default";
    case Origin::kEnvironment:
      return "environment " + source_text(source);
    case Origin::kAssignment:
      return "--set";
    case Origin::kFile:
      break;
  }
  return line == 0 ? source_text(source) : source_text(source) + ":" + std::to_string(line);
}

const Value* Value::find(std::string_view member) const {
  const auto found = std::ranges::find(children, member, &Value::key);
  return found == children.end() ? nullptr : &*found;
}

std::string describe(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kString:
      return "the string " + in_quotes(value.text);
    case Value::Kind::kInteger:
      return "the integer " + std::to_string(value.integer);
    case Value::Kind::kBoolean:
      return value.integer != 0 ? "the boolean true" : "the boolean false";
    case Value::Kind::kFloat:
      return "a floating point number";
    case Value::Kind::kArray:
      return "an array";
    case Value::Kind::kTable:
      return "a table";
    case Value::Kind::kOther:
      break;
  }
  return "a date or time";
}

std::string join_key(std::string_view table, std::string_view member) {
  const std::string part = is_bare(member) ? std::string{member} : in_quotes(member, member.size());
  return table.empty() ? part : std::string{table} + "." + part;
}

void merge(Value& base, Value over) {
  if (!base.is_table() || !over.is_table()) {
    base = std::move(over);
    return;
  }
  for (Value& member : over.children) {
    const auto found = std::ranges::find(base.children, member.key, &Value::key);
    if (found == base.children.end()) {
      base.children.push_back(std::move(member));
    } else {
      merge(*found, std::move(member));
    }
  }
}

}  // namespace kvmesh::config
