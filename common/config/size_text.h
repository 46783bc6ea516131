#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmesh::config {

/// Bytes from "512MiB", "512 MiB", "64KiB", "100B" or "100": a whole number and B, KiB, MiB, GiB or
/// TiB. Empty when the text is nothing of the kind or does not fit.
std::optional<std::int64_t> parse_size(std::string_view text);

/// The shortest text that parse_size() reads back as `bytes`: "1GiB". REQUIRES: bytes >= 0.
std::string size_text(std::int64_t bytes);

}  // namespace kvmesh::config
