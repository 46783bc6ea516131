#pragma once

#include <kvmesh/status.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmesh::command {

/// One line of an import or export: a key with its value, or a bucket that has no keys.
struct Record {
  struct KeyValue {
    std::string key;
    std::string value;
    /// When it expires, in milliseconds since 1970; empty: never, or the format does not say.
    std::optional<std::int64_t> expires_ms{};
    friend bool operator==(const KeyValue&, const KeyValue&) = default;
  };
  std::string bucket;
  std::optional<KeyValue> pair;  // empty: the line says only that the bucket exists
  friend bool operator==(const Record&, const Record&) = default;
};

/// The time of day, as Record::KeyValue::expires_ms has it.
inline std::int64_t ms_since_1970() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// How records are written, one a line.
enum class Format {
  kTsv,        ///< as parse_tsv() reads it
  kJsonLines,  ///< as parse_json_line() does
};

// Lines `bucket TAB key TAB value`, each field as of escape(). `bucket TAB` alone says that the
// bucket exists. A line may be any bytes; those that are no escapes stand for themselves. Pure
// functions.

/// The record of one line without its line end; kInvalidArgument, saying why, when it is not of the
/// form.
Result<Record> parse_tsv(std::string_view line);

/// The line of a record, without a line end; parse_tsv gives the same record back. It never begins
/// with a blank, a brace or a byte order mark.
std::string format_tsv(const Record& record);

// Lines {"bucket": B, "key": K, "value": V}, where B, K and V are strings for bytes that are UTF-8,
// and {"base64": "..."} for any bytes; with "expires_ms": N where the key expires. {"bucket": B,
// "key": null} says that the bucket exists. Pure functions.

/// The record of one line; kInvalidArgument, saying why, when it is not of the form.
Result<Record> parse_json_line(std::string_view line);

/// Whether `line` looks like a line of a JSON document that has several: it begins an array, or an
/// object that it does not end.
bool is_part_of_json(std::string_view line);

/// The line of a record, without a line end; parse_json_line gives the same record back.
std::string format_json_line(const Record& record);

}  // namespace kvmesh::command
