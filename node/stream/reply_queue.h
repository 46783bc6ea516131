#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "common/wire/buffer.h"
#include "node/stream/codec.h"

namespace kvmesh::stream {

/// Keeps one connection's replies in the order of its requests, whatever order they come in. Each
/// request takes a place; a reply that comes before those ahead of it waits in its place.
/// A place is small, and a constant reply of the codec waits there as its tag: a client that sends
/// a thousand PINGs after a slow request makes us keep 16 bytes for each.
/// Invariant: the first place, if there is one, has no reply yet. Not thread-safe.
class ReplyQueue {
 public:
  /// `codec` knows the connection's own replies, and must outlive the queue.
  explicit ReplyQueue(const Codec& codec) : codec_(codec) {}

  /// Takes the next place in line.
  std::uint64_t push(Tag tag);
  /// Takes one for a message that needs no request: its constant reply goes to `out` in its turn.
  void push_constant(Tag tag, wire::Buffer& out);
  /// Is `place` still waiting for its reply?
  bool is_waiting(std::uint64_t place) const;
  /// REQUIRES: is_waiting(place).
  Tag tag(std::uint64_t place) const { return at(place).tag; }

  /// Where the text of `place`'s reply goes: straight to `out` when it is the first in line, else
  /// where answered() takes it from. Follow with answered(). REQUIRES: is_waiting(place).
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
  /// All that it takes, with what constant replies will take when their turn comes.
  std::size_t memory_bytes() const { return capacity_bytes() + waiting_bytes_ + overhead_bytes_; }

 private:
  enum class State : std::uint8_t { kWaiting, kText, kConstant };
  struct Free {
    void operator()(char* p) const { std::free(p); }  // NOLINT: a Buffer's memory
  };
  struct Place {
    std::unique_ptr<char, Free> text;  // of kText
    std::uint32_t size = 0;            // of that
    Tag tag = 0;
    State state = State::kWaiting;
  };
  static_assert(sizeof(Place) == 16);

  Place& at(std::uint64_t place) { return ring_[place & (ring_.size() - 1)]; }
  const Place& at(std::uint64_t place) const { return ring_[place & (ring_.size() - 1)]; }
  void keep_text(Place& place);
  void move_ready(wire::Buffer& out);
  void grow();

  static constexpr std::size_t kPlacesKept = 64;
  static constexpr std::size_t kTextOverhead = 24;  // of one piece of memory, at most

  const Codec& codec_;
  std::vector<Place> ring_;  // a power of two long, or empty
  wire::Buffer text_;        // being written
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::size_t overhead_bytes_ = 0;
};

}  // namespace kvmesh::stream
