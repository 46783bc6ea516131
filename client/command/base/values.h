#pragma once

#include <kvmesh/pid.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Values as people write them, as arguments of functions, and as they read them: safe to print on
/// a terminal, whatever the bytes are. Pure functions.
namespace kvmesh::command {

/// What `text` is as JSON: 1, -2.5, true, null, "text", [1, 2], {"a": 1}; {"base64": "..."} is
/// bytes. `nil` is null, and how null is printed. Anything else is text as it stands: hello.
/// kInvalidArgument: nested deeper than limits::kNestingMax, a number that does not fit (1e400), a
/// member that is there twice.
Result<Value> parse_argument(std::string_view text);

/// The same for several; the status names the place of the one at fault, counted from 1.
Result<Value::List> parse_arguments(const std::vector<std::string>& texts);

/// Says that `text` begins as a list, a map or a string between double quotes, but is no JSON, and
/// where; and how to write it as text on purpose; or that {"base64": "..."} in it is no bytes.
/// Empty when there is nothing to say.
std::string text_warning(std::string_view text);

/// A pid as it is printed, or without the angle brackets, which shells give a meaning of their own;
/// or, with `node`, its id alone: 1a2b3c. kInvalidArgument when `text` is none of them.
Result<Pid> parse_pid(std::string_view text, std::string_view node = {});

/// nil, true, 5, 2.5, "text", b"bytes", [1, 2], {"name": 1}: on one line where that is not longer
/// than `width` columns; else an element a line, or as many as fit when all of a list are simple.
/// Without a line end.
std::string value_text(const Value& value, std::size_t width = 80);

/// `text` between double quotes: printable UTF-8 as it is, the rest as \n, \", \\, or \xHH for each
/// byte.
std::string quoted_text(std::string_view text);

}  // namespace kvmesh::command
