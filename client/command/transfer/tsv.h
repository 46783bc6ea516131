#pragma once

#include <kvmesh/status.h>

#include <string>
#include <string_view>

#include "client/command/transfer/record.h"

/// Lines `bucket TAB key TAB value`. Within a field \t, \n, \r and \\ stand for tab, line feed,
/// carriage return and backslash, and \xHH for any byte. `bucket TAB` alone says that the bucket
/// exists. A line may be any bytes; those that are no escapes stand for themselves. Pure functions.
namespace kvmesh::command {

/// The bytes that `field` stands for. kInvalidArgument, with the place, where a backslash begins
/// none of the escapes above.
Result<std::string> unescape(std::string_view field);

/// The inverse: printable UTF-8 stays as it is. Safe to print on a terminal, whatever the bytes
/// are.
std::string escape(std::string_view bytes);

/// The record of one line without its line end; kInvalidArgument, saying why, when it is not of the
/// form.
Result<Record> parse_tsv(std::string_view line);

/// The line of a record, without a line end; parse_tsv gives the same record back. It never begins
/// with a blank, a brace or a byte order mark.
std::string format_tsv(const Record& record);

}  // namespace kvmesh::command
