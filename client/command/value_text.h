#pragma once

#include <kvmesh/value.h>

#include <cstddef>
#include <string>
#include <string_view>

/// Values as people read them. Pure functions; safe to print on a terminal, whatever the bytes are.
namespace kvmesh::command {

/// nil, true, 5, 2.5, "text", b"bytes", [1, 2], {"name": 1}: on one line where that is not longer
/// than `width` columns, else an element a line. Without a line end.
std::string value_text(const Value& value, std::size_t width = 80);

/// `text` between double quotes: printable UTF-8 as it is, the rest as \n, \", \\, or \xHH for each
/// byte.
std::string quoted_text(std::string_view text);

}  // namespace kvmesh::command
