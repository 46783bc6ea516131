#include "common/names.h"

#include <algorithm>

#include <kvmesh/limits.h>

#include "common/text.h"

namespace kvmesh {
namespace {

bool is_name_part(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

}  // namespace

Result<NodeName> NodeName::parse(std::string_view text) {
  if (text.size() > limits::kNodeNameBytesMax) {
    return Status{StatusCode::kTooLarge,
                  over_limit("node name", text.size(), limits::kNodeNameBytesMax)};
  }
  const auto at = text.find('@');
  if (at == std::string_view::npos || !is_name_part(text.substr(0, at)) ||
      !is_name_part(text.substr(at + 1))) {
    return Status{
        StatusCode::kInvalidArgument,
        in_quotes(text) +
            " is not a node name; write name@host, both of letters, digits, '_', '-' and '.'"};
  }
  return NodeName{std::string{text}};
}

}  // namespace kvmesh
