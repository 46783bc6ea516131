#pragma once

#include <cstdint>
#include <string>

#include <kvmesh/pid.h>
#include <kvmesh/value.h>

namespace kvmesh {

/// What a message in a mailbox is; the numbers are those on the wire.
enum class MessageKind : std::uint8_t {
  kMessage = 0,      ///< somebody sent it
  kDown = 1,         ///< a process that was monitored or linked has ended
  kUndelivered = 2,  ///< a message that this process sent did not reach its mailbox
  kNodeUp = 3,       ///< Mesh::watch_nodes(): a node can be reached
  kNodeDown = 4,     ///< it can no longer, or not yet
};

struct Message {
  MessageKind kind = MessageKind::kMessage;
  /// Who sent it (empty: a program that told no pid); the process that has ended; the process that
  /// could not be reached (empty: it was named, not given by its pid); or the node that came or
  /// went, with the id 0.
  Pid sender;
  /// What was sent; or the reason as text: "normal", "failed: ..." or why the process or its node
  /// cannot be reached. Of kNodeUp an empty text.
  Value body;
  /// Of kNodeUp and kNodeDown the node that saw it: the watched one, whose peer `sender` is. Empty
  /// when the watched node itself does not answer any more.
  std::string seen_by = {};

  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace kvmesh
