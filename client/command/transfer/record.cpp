#include "client/command/transfer/record.h"

#include <kvmesh/value.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "client/command/base/escape.h"
#include "client/command/base/json.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

Status malformed_line(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

}  // namespace

Result<Record> parse_tsv(std::string_view line) {
  const auto tabs = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t'));
  const auto first = line.find('\t');
  const bool bucket_only = tabs == 1 && first + 1 == line.size();
  if (tabs != 2 && !bucket_only) {
    return malformed_line("the line has " + std::to_string(tabs + 1) +
                          (tabs == 0 ? " field" : " fields") +
                          ", and must have 3: bucket TAB key TAB value; a tab within a field is "
                          "written \\t");
  }
  auto bucket = unescape(line.substr(0, first));
  if (!bucket) return malformed_line("bucket: " + bucket.status().text());
  if (bucket_only) return Record{*std::move(bucket), std::nullopt};
  const auto second = line.find('\t', first + 1);
  auto key = unescape(line.substr(first + 1, second - first - 1));
  if (!key) return malformed_line("key: " + key.status().text());
  auto value = unescape(line.substr(second + 1));
  if (!value) return malformed_line("value: " + value.status().text());
  return Record{*std::move(bucket), Record::KeyValue{*std::move(key), *std::move(value)}};
}

std::string format_tsv(const Record& record) {
  std::string line;
  // What tells the other format, and what editors cut off.
  std::string_view bucket = record.bucket;
  for (const auto& [first, escaped] : {std::pair{' ', "\\x20"}, std::pair{'{', "\\x7b"}}) {
    if (!bucket.starts_with(first)) continue;
    line = escaped;
    bucket.remove_prefix(1);
    break;
  }
  line += escape(bucket) + '\t';
  if (record.pair) line += escape(record.pair->key) + '\t' + escape(record.pair->value);
  return line;
}

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

// The year 5000: later ones are no times, but mistakes of a unit.
constexpr std::int64_t kExpiresMsMax = 95'617'584'000'000;

std::string one_a_line(std::string_view line) {
  if (!is_part_of_json(line)) return "";
  return "; write one object a line, as jq -c . FILE does, or jq -c '.[]' FILE of an array";
}

// What is not understood is refused, so that nothing is lost in silence.
Status check_members(const Json& object) {
  for (const auto& [name, value] : object.items()) {
    if (name != "bucket" && name != "key" && name != "value" && name != "expires_ms") {
      return malformed("has a member " + kvmesh::in_quotes(name) +
                       "; known are bucket, key, value and expires_ms");
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
    if (object.contains("expires_ms")) {
      return malformed("has a time to expire, but its key is null");
    }
    return Record{*std::move(bucket), std::nullopt};
  }
  auto key = bytes_of(object["key"], "key");
  if (!key) return key.status();
  if (!object.contains("value")) return malformed("has no value");
  auto value = bytes_of(object["value"], "value");
  if (!value) return value.status();
  Record::KeyValue pair{*std::move(key), *std::move(value), {}};
  if (const auto expires = object.find("expires_ms"); expires != object.end()) {
    if (!expires->is_number_integer() || *expires < 0 || *expires > kExpiresMsMax) {
      return malformed(
          "expires_ms is no number of milliseconds since 1970; leave it out for a key that does "
          "not expire");
    }
    pair.expires_ms = expires->get<std::int64_t>();
  }
  return Record{*std::move(bucket), std::move(pair)};
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
    if (record.pair->expires_ms) line.emplace_back("expires_ms", *record.pair->expires_ms);
  } else {
    line.emplace_back("key", Value{});
  }
  return Value{std::move(line)}.to_json();
}

}  // namespace kvmesh::command
