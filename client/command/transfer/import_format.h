#pragma once

#include <kvmesh/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "client/command/transfer/record.h"

/// Which format the input of an import has. Pure functions.
namespace kvmesh::command {

/// The format that a file's name tells: .tsv; .jsonl, .ndjson, .json. Empty: another name.
std::optional<Format> format_of_name(const std::string& name);

/// Whether a line holds nothing that could be a record, in a format or, where none is known, in
/// any.
bool is_empty_line(std::string_view line, std::optional<Format> format);

/// Decides by the first line that is not empty, unless it is decided already. Both formats can hold
/// any bytes, so a line that may be either is not guessed at. kInvalidArgument, with what to do,
/// when the line may be of either, or begins a JSON document that has several lines.
Status decide_format(std::string_view first_line, std::optional<Format>& format);

}  // namespace kvmesh::command
