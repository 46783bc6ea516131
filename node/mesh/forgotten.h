#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <kvmesh/limits.h>

namespace kvmesh::mesh {

/// Connections that the inbox has forgotten and that may not know it: what they send is refused
/// until they say HELLO again, but they are no strangers. libzmq gives no id twice while it counts
/// below 2^32. Bounded: it begins anew when there are limits::kMeshClientsMax. Pure.
class Forgotten {
 public:
  enum class Why : std::uint8_t { kStalled, kSilent, kGone, kRevoked };
  struct One {
    std::string name;  // of a node; empty for a plain client
    Why why;
  };

  void add(std::uint32_t id, std::string name, Why why) {
    if (all_.size() >= limits::kMeshClientsMax) all_.clear();
    all_.insert_or_assign(id, One{std::move(name), why});
  }
  /// It is known again.
  void erase(std::uint32_t id) { all_.erase(id); }
  /// Null when there is none. Lives until the next change.
  const One* find(std::uint32_t id) const {
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : &found->second;
  }

  /// A stall of this process: those that it makes the inbox forget are worth another line.
  void begin_stall() { told_[index(Why::kStalled)] = false; }
  /// Whether this is the first since then, or of all for other reasons.
  bool is_first(Why why) { return !std::exchange(told_[index(why)], true); }

 private:
  static std::size_t index(Why why) { return static_cast<std::size_t>(why); }

  absl::flat_hash_map<std::uint32_t, One> all_;
  std::array<bool, 4> told_{};
};

}  // namespace kvmesh::mesh
