#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace kvmesh::command {

/// What people and programs write and read as JSON. What a command prints with --json is a Value,
/// whose to_json() writes it; here is the rest. Pure functions.

/// One JSON document that is all of `text`, nothing passed over and nothing changed. Where it is
/// none, kInvalidArgument with the column and the reason; where it is one that cannot be kept as it
/// stands (a member that is there twice, a number that does not fit), kTooLarge likewise.
Result<nlohmann::ordered_json> parse_strict_json(std::string_view text);

/// The bytes that base64 of exactly that form stands for: with its padding, nothing else between.
std::optional<std::string> decode_base64(std::string_view text);

/// A failure: {"code": "no_route", "text": "..."}.
Value error_value(const Status& status);

}  // namespace kvmesh::command
