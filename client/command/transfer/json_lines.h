#pragma once

#include <kvmesh/status.h>

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

}  // namespace kvmesh::command
