#pragma once

#include <kvmesh/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "client/command/transfer/record.h"

/// Lines {"bucket": B, "key": K, "value": V}, where B, K and V are strings for bytes that are
/// UTF-8, and
/// {"base64": "..."} for any bytes. {"bucket": B, "key": null} says that the bucket exists. Pure
/// functions.
namespace kvmesh::command {

/// The record of one line; kInvalidArgument, saying why, when it is not of the form.
Result<Record> parse_json_line(std::string_view line);

/// Whether `line` looks like a line of a JSON document that has several: it begins an array, or an
/// object that it does not end.
bool is_part_of_json(std::string_view line);

/// The line of a record, without a line end; parse_json_line gives the same record back.
std::string format_json_line(const Record& record);

/// `bytes` as JSON: a string where they are UTF-8, else {"base64": "..."}.
std::string bytes_as_json(std::string_view bytes);

/// The bytes that base64 of exactly that form stands for: with its padding, nothing else between.
std::optional<std::string> decode_base64(std::string_view text);

/// A failure as JSON: {"code": "no_route", "text": "..."}.
std::string error_json(const Status& status);

}  // namespace kvmesh::command
