#pragma once

#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh::tasks {

/// Arrays that a reply puts around the result of a task, and around the body of a message.
inline constexpr unsigned kLevelsAroundResult = 1;
inline constexpr unsigned kLevelsAroundMessage = 2;

/// Whether the msgpack value is an array or a map. All else counts as one element.
bool is_container(std::string_view packed);

/// kTooLarge when the one msgpack value `packed`, with so many arrays around it, nests deeper or
/// has more elements than a record may hold: the next node would take such a record for malformed.
Status check_nesting(std::string_view packed, unsigned levels);

/// The same for the body of a message; also kInvalidArgument for what a Value cannot hold.
Status check_message(std::string_view packed);

}  // namespace kvmesh::tasks
