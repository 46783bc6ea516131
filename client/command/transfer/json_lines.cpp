#include "client/command/transfer/json_lines.h"

#include <kvmesh/value.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "client/command/base/json.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using Json = nlohmann::ordered_json;

Status malformed(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

Result<std::string> bytes_of(const Json& value, const std::string& name) {
  if (const auto* text = value.get_ptr<const std::string*>()) return *text;
  if (!value.is_object() || value.size() != 1 || !value.contains("base64")) {
    return malformed(name + " is neither a string nor {\"base64\": \"...\"}");
  }
  const auto* encoded = value["base64"].get_ptr<const std::string*>();
  auto bytes = encoded != nullptr ? decode_base64(*encoded) : std::nullopt;
  if (!bytes) return malformed(name + ": base64 is malformed");
  return *std::move(bytes);
}

std::string one_a_line(std::string_view line) {
  if (!is_part_of_json(line)) return "";
  return "; write one object a line, as jq -c . FILE does, or jq -c '.[]' FILE of an array";
}

// What is not understood is refused, so that nothing is lost in silence.
Status check_members(const Json& object) {
  for (const auto& [name, value] : object.items()) {
    if (name != "bucket" && name != "key" && name != "value") {
      return malformed("has a member " + kvmesh::in_quotes(name) +
                       "; known are bucket, key and value");
    }
  }
  return {};
}

}  // namespace

Result<Record> parse_json_line(std::string_view line) {
  const auto parsed = parse_strict_json(line);
  if (!parsed) return malformed(parsed.status().text() + one_a_line(line));
  const Json& object = *parsed;
  if (!object.is_object()) return malformed("is not a JSON object" + one_a_line(line));
  if (Status status = check_members(object); !status.ok()) return status;
  if (!object.contains("bucket")) return malformed("has no bucket");
  if (!object.contains("key")) return malformed("has no key");
  auto bucket = bytes_of(object["bucket"], "bucket");
  if (!bucket) return bucket.status();
  if (object["key"].is_null()) {
    if (object.contains("value")) return malformed("has a value, but its key is null");
    return Record{*std::move(bucket), std::nullopt};
  }
  auto key = bytes_of(object["key"], "key");
  if (!key) return key.status();
  if (!object.contains("value")) return malformed("has no value");
  auto value = bytes_of(object["value"], "value");
  if (!value) return value.status();
  return Record{*std::move(bucket), Record::KeyValue{*std::move(key), *std::move(value)}};
}

bool is_part_of_json(std::string_view line) {
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return false;
  const auto last = line.find_last_not_of(" \t");
  return line[first] == '[' || (line[first] == '{' && line[last] != '}');
}

std::string format_json_line(const Record& record) {
  Value::Map line{{"bucket", Bytes{record.bucket}}};
  if (record.pair) {
    line.emplace_back("key", Bytes{record.pair->key});
    line.emplace_back("value", Bytes{record.pair->value});
  } else {
    line.emplace_back("key", Value{});
  }
  return Value{std::move(line)}.to_json();
}

}  // namespace kvmesh::command
