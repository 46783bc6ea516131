#include "client/bench/codec.h"

#include <algorithm>

#include "common/text.h"

namespace kvmesh::bench {

std::optional<std::string_view> first_line(std::string_view in) {
  const auto end = in.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = in.substr(0, end);
  return line.ends_with('\r') ? line.substr(0, end - 1) : line;
}

Status unexpected(std::string_view in, std::string_view wanted) {
  constexpr std::size_t kShown = 80;
  return {StatusCode::kProtocolError, "expected " + std::string{wanted} + ", got " +
                                          in_quotes(in.substr(0, std::min(in.size(), kShown)))};
}

}  // namespace kvmesh::bench
