#pragma once

#include <string>
#include <string_view>

#include "common/names.h"
#include "common/request.h"

/// How values look in stories. Pure functions.
namespace kvmesh::scenario {

/// An id as "#slot.generation", which shows at a glance when a slot is used again.
std::string show(RequestId id);
/// The inverse; an id that no node gives when `text` is not of that form.
RequestId read_id(std::string_view text);

/// "bucket "milk"", "node foo@h" or "here".
std::string show(const Target& target);
/// A msgpack value: nil, 7, "text or bytes", ["a", "b"].
std::string show_value(std::string_view msgpack);
/// "ok "1"" or "no_route: could not find ...".
std::string show(const ReplyView& reply);
/// "foo@h (a..m), bar@h (*)".
std::string show_path(std::string_view path);
/// One line for each hop, indented.
std::string show_trace(std::string_view trace);

}  // namespace kvmesh::scenario
