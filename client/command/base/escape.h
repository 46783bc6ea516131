#pragma once

#include <kvmesh/status.h>

#include <string>
#include <string_view>

/// Any bytes as printable text, and back: \t, \n, \r and \\ stand for tab, line feed, carriage
/// return and backslash, and \xHH for any byte. Pure functions.
namespace kvmesh::command {

/// Safe to print on a terminal, whatever the bytes are: printable UTF-8 stays as it is.
std::string escape(std::string_view bytes);

/// The bytes that `field` stands for; what is no escape stands for itself. kInvalidArgument, with
/// the place, where a backslash begins none of the escapes above.
Result<std::string> unescape(std::string_view field);

}  // namespace kvmesh::command
