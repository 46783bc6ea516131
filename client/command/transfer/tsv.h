#pragma once

#include <kvmesh/status.h>

#include <string>
#include <string_view>

#include "client/command/transfer/record.h"

/// Lines `bucket TAB key TAB value`, each field as of escape(). `bucket TAB` alone says that the
/// bucket exists. A line may be any bytes; those that are no escapes stand for themselves. Pure
/// functions.
namespace kvmesh::command {

/// The record of one line without its line end; kInvalidArgument, saying why, when it is not of the
/// form.
Result<Record> parse_tsv(std::string_view line);

/// The line of a record, without a line end; parse_tsv gives the same record back. It never begins
/// with a blank, a brace or a byte order mark.
std::string format_tsv(const Record& record);

}  // namespace kvmesh::command
