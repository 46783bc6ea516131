#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/wire/buffer.h"
#include "node/tcp/command.h"

namespace kvmesh::tcp {

/// Keeps one connection's replies in the order of its requests, whatever order they come in. Each
/// request takes a place; a reply that comes before those ahead of it waits in its place.
/// Invariant: the first place, if there is one, has no reply yet. Not thread-safe.
class ReplyQueue {
 public:
  /// Takes the next place in line.
  std::uint64_t push(Verb verb);
  /// Is `place` still waiting for its reply?
  bool is_waiting(std::uint64_t place) const;
  /// REQUIRES: is_waiting(place).
  Verb verb(std::uint64_t place) const { return at(place).verb; }

  /// Where the text of `place`'s reply goes: straight to `out` when it is the first in line, else
  /// into its place. Follow with answered(). REQUIRES: is_waiting(place).
  wire::Buffer& text_buffer(std::uint64_t place, wire::Buffer& out);
  /// The text is complete: moves what is in order now to `out`.
  void answered(std::uint64_t place, wire::Buffer& out);

  std::size_t size() const { return static_cast<std::size_t>(end_ - first_); }
  /// Bytes of replies that wait for others ahead of them.
  std::size_t waiting_bytes() const { return waiting_bytes_; }

  /// Gives memory back that only a long pipeline needs. Does nothing unless size() is 0.
  void give_back();
  /// Bytes of the places themselves.
  std::size_t capacity_bytes() const { return ring_.size() * sizeof(Place); }

 private:
  struct Place {
    Verb verb = Verb::kUnknown;
    bool answered = false;
    wire::Buffer text;
  };
  Place& at(std::uint64_t place) { return ring_[place & (ring_.size() - 1)]; }
  const Place& at(std::uint64_t place) const { return ring_[place & (ring_.size() - 1)]; }
  void grow();

  static constexpr std::size_t kPlacesKept = 64;

  std::vector<Place> ring_;  // a power of two long, or empty
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace kvmesh::tcp
