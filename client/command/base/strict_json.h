#pragma once

#include <kvmesh/status.h>

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace kvmesh::command {

/// One JSON document that is all of `text`, nothing passed over and nothing changed. Where it is
/// none, kInvalidArgument with the column and the reason; where it is one that cannot be kept as it
/// stands (a member that is there twice, a number that does not fit), kTooLarge likewise. Pure.
Result<nlohmann::ordered_json> parse_strict_json(std::string_view text);

}  // namespace kvmesh::command
