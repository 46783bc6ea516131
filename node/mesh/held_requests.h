#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>

#include "common/deadline.h"
#include "common/meter.h"
#include "common/wire/buffer.h"
#include "node/mesh/waiting_replies.h"

namespace kvmesh::mesh {

/// Request frames of one connection that wait to be executed, oldest first. Tiny ones that arrive
/// together share a piece of memory, for to allocate for each would take longer than to receive it.
/// The memory taken stays within twice what bytes() says, and 16 KiB. Not thread-safe.
class HeldRequests {
  struct Piece;

 public:
  /// A connection that keeps to its window has no more here, even with one request a frame, as long
  /// as their heads and paths, which the window does not count, have 128 bytes on average.
  static constexpr std::size_t kWindowBytes =
      limits::kInFlightBytesPerLinkMax + limits::kFrameBytesMax +
      std::size_t{limits::kInFlightPerLinkMax} * (kQueuedFrameBytes + 128);

  /// What a frame with this run of records counts.
  static std::size_t cost(std::string_view run) { return run.size() + kQueuedFrameBytes; }

  /// `of_all`: those of all connections; must outlive it.
  explicit HeldRequests(Meter& of_all) : bytes_(of_all) {}

  bool empty() const { return pieces_.empty(); }
  std::size_t bytes() const { return bytes_.bytes(); }
  /// Of memory taken. Looks at every piece.
  std::size_t capacity_bytes() const;

  /// `age`: how long its frame had been under way, at least, when it arrived.
  void add(std::string_view run, TimePoint arrived, std::chrono::microseconds age = {});
  void clear();

  /// The oldest frame, on its way to be executed. Lives on when the queue is cleared meanwhile.
  class Oldest;
  /// Takes it out; give_back() or clear() must follow before the next take() or add(). REQUIRES:
  /// !empty().
  Oldest take();
  /// `rest`, the end of its run that was not executed, is the oldest frame now; when it is empty,
  /// the frame after it is.
  void give_back(Oldest oldest, std::string_view rest);

 private:
  struct Piece {
    wire::Buffer frames;   // the run of each, after its length in 4 bytes
    std::size_t next = 0;  // where the oldest begins
    TimePoint arrived;
    std::chrono::microseconds age{};
  };

  Piece& piece_for(std::string_view run, TimePoint arrived, std::chrono::microseconds age);
  static void drop_executed(Piece& piece);

  std::deque<Piece> pieces_;
  Held bytes_;
};

class HeldRequests::Oldest {
 public:
  std::string_view run() const;
  TimePoint arrived() const { return piece_.arrived; }
  std::chrono::microseconds age() const { return piece_.age; }

 private:
  friend class HeldRequests;
  explicit Oldest(Piece piece) : piece_(std::move(piece)) {}

  Piece piece_;
};

}  // namespace kvmesh::mesh
