#include "client/command/json_lines.h"

#include <absl/strings/escaping.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "client/command/utf8.h"

namespace kvmesh::command {
namespace {

using nlohmann::json;

Status malformed(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

// Only what base64 itself has: the decoder of the library passes over white space and takes '.' for
// '='.
bool is_base64_text(std::string_view text) {
  return text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
         std::string_view::npos;
}

Result<std::string> bytes_of(const json& value, const std::string& name) {
  if (const auto* text = value.get_ptr<const std::string*>()) return *text;
  if (!value.is_object() || value.size() != 1 || !value.contains("base64")) {
    return malformed(name + " is neither a string nor {\"base64\": \"...\"}");
  }
  const auto* encoded = value["base64"].get_ptr<const std::string*>();
  std::string bytes;
  if (encoded == nullptr || !is_base64_text(*encoded) || !absl::Base64Unescape(*encoded, &bytes)) {
    return malformed(name + ": base64 is malformed");
  }
  return bytes;
}

// What is not understood is refused, so that nothing is lost in silence.
Status check_members(const json& object) {
  for (const auto& [name, value] : object.items()) {
    if (name != "bucket" && name != "key" && name != "value") {
      return malformed("has a member " + json(name).dump() + "; known are bucket, key and value");
    }
  }
  return {};
}

}  // namespace

Result<Record> parse_json_line(std::string_view line) {
  const json object = json::parse(line.begin(), line.end(), nullptr, false);
  if (object.is_discarded()) return malformed("is not JSON, or not UTF-8");
  if (!object.is_object()) return malformed("is not a JSON object");
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
  return Record{*std::move(bucket), Record::Entry{*std::move(key), *std::move(value)}};
}

std::string format_json_line(const Record& record) {
  std::string line = R"({"bucket":)" + bytes_as_json(record.bucket);
  if (!record.entry) return line + R"(,"key":null})";
  return line + R"(,"key":)" + bytes_as_json(record.entry->key) + R"(,"value":)" +
         bytes_as_json(record.entry->value) + "}";
}

std::string bytes_as_json(std::string_view bytes) {
  if (is_utf8(bytes)) return json(bytes).dump();
  return R"({"base64":")" + absl::Base64Escape(absl::string_view{bytes.data(), bytes.size()}) +
         R"("})";
}

std::string error_json(const Status& status) {
  return R"({"code":")" + std::string{to_string(status.code())} + R"(","text":)" +
         bytes_as_json(status.text()) + "}";
}

}  // namespace kvmesh::command
