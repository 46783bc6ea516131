#pragma once

#include <cstdint>

#include <kvmesh/pid.h>
#include <kvmesh/value.h>

namespace kvmesh {

/// What a message in a mailbox is; the numbers are those on the wire.
enum class MessageKind : std::uint8_t {
  kMessage = 0,      ///< somebody sent it
  kDown = 1,         ///< a process that was monitored or linked has ended
  kUndelivered = 2,  ///< a message that this process sent did not reach its mailbox
};

struct Message {
  MessageKind kind = MessageKind::kMessage;
  /// Who sent it (empty: a program that told no pid); the process that has ended; or the process
  /// that could not be reached (empty: it was named, not given by its pid).
  Pid sender;
  /// What was sent; or the reason as text: "normal", "failed: ..." or why the process or its node
  /// cannot be reached.
  Value body;

  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace kvmesh
