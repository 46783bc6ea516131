#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh {

/// Names a process: a running task, a named server or a client's mailbox, on whichever node it
/// is. May be kept, and sent to others. An id is never used twice on its node, so that the pid of
/// a process that has ended reaches nobody. A default-constructed Pid stands for "no process".
struct Pid {
  std::string node;  ///< "foo@localhost"
  std::uint64_t id = 0;

  /// `<foo@localhost/1a2b3c>`, with the id in lower-case hexadecimal digits: how people see a pid,
  /// and how it travels in arguments and messages.
  std::string to_string() const;
  /// The inverse. kInvalidArgument when `text` is not exactly what to_string() gives for some
  /// process; the status says what a pid looks like.
  static Result<Pid> parse(std::string_view text);

  /// No process at all.
  bool empty() const { return node.empty(); }

  friend bool operator==(const Pid&, const Pid&) = default;
  friend std::strong_ordering operator<=>(const Pid&, const Pid&) = default;
};

}  // namespace kvmesh

template <>
struct std::hash<kvmesh::Pid> {
  std::size_t operator()(const kvmesh::Pid& pid) const noexcept {
    constexpr std::size_t kMix = 0x9e3779b97f4a7c15U;  // spreads ids that count up
    return std::hash<std::string>{}(pid.node) ^ (std::hash<std::uint64_t>{}(pid.id) * kMix);
  }
};
