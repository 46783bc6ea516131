#pragma once

#include <string_view>

namespace kvmesh::command {

/// Whether `bytes` are well-formed UTF-8: no overlong forms, surrogates or code points over 10FFFF.
bool is_utf8(std::string_view bytes);

}  // namespace kvmesh::command
