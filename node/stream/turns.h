#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "common/deadline.h"

namespace kvmesh::stream {

class Connection;

/// Who may go on when connections have more to do than one pass of the loop should hold. A
/// connection that asks for little is served as soon as it asks. One that has just sent a lot, or
/// whose messages took long, waits here for its next turn; each pass gives a few turns, to those
/// that wait longest. So the work between two requests of a small client does not grow with the
/// number of large ones. Owned by a Server, on its thread.
class Turns {
 public:
  /// A read of so many bytes is a lot: the next one waits for a turn.
  static constexpr std::size_t kLargeReadBytes = 16 * 1024;

  /// The connection that is handled now has a turn's time.
  void begin(TimePoint now);
  /// Asked after each message; looks at the clock now and then. Stays true until the next begin().
  bool is_over();
  /// The message before was a costly one: is_over() looks at the clock next.
  void look_soon() { look_soon_ = true; }

  /// Puts a connection after all that wait.
  void wait(std::shared_ptr<Connection> connection) { waiting_.push_back(std::move(connection)); }
  /// Is somebody waiting whose turn comes in the next pass?
  bool is_ready() const { return !waiting_.empty(); }

  /// What one pass gives.
  class Share {
   public:
    /// Whoever got the last turn has read so many bytes.
    void spend(std::size_t bytes, bool skipping);

   private:
    friend class Turns;
    Share(Turns& turns, std::size_t candidates) : turns_(turns), candidates_(candidates) {}
    Turns& turns_;
    std::size_t candidates_;  // those that come to wait meanwhile are for the next pass
    std::size_t bytes_ = 0;
  };
  Share share() { return {*this, waiting_.size()}; }
  /// The next whose turn it is; null when the share is used up.
  std::shared_ptr<Connection> next(Share& share);

  /// Lets some of those go on that skip a line without end. Call every 20 ms or so.
  void tick();

 private:
  TimePoint until_;
  bool over_ = false;
  bool look_soon_ = false;
  unsigned lines_ = 0;
  std::deque<std::shared_ptr<Connection>> waiting_;
  std::deque<std::shared_ptr<Connection>> held_;  // skip a line; until the tick
  std::size_t skipped_bytes_ = 0;                 // since the tick
};

}  // namespace kvmesh::stream
