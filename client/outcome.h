#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/client.h>

/// From an outcome to what a caller gets. Pure functions.
namespace kvmesh::client {

/// The results of the functions of `kv` and `node`. The outcome's status when that is not OK;
/// kProtocolError when the result is not of the type that common/PROTOCOL.md gives for `function`.
Result<std::optional<std::string>> value_of(Outcome outcome, std::string_view function);
Result<std::string> text_of(Outcome outcome, std::string_view function);
Result<std::uint64_t> count_of(Outcome outcome, std::string_view function);
Result<Names> names_of(Outcome outcome, std::string_view function);

}  // namespace kvmesh::client
