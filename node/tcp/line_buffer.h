#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "node/tcp/foreign.h"

namespace kvmesh::tcp {

/// The bytes of one connection that have arrived and are not yet read as lines. Starts small, so
/// that an idle connection costs little, and grows while its reads are full; what a long line took
/// stays for a while, since long lines come in rows. A line over
/// `line_bytes_max` is told once as too long, then thrown away up to its end, so the memory is
/// bounded. A line that shows another protocol is told as such, and nothing behind it is given out:
/// so every adapter that reads lines is safe from web pages. Not thread-safe.
class LineBuffer {
 public:
  explicit LineBuffer(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// Room to read into; valid until the next call of any method that is not const. REQUIRES: nobody
  /// still fills what the last call gave, since its memory may go.
  std::span<char> room();
  /// The first `count` bytes of room() were filled.
  void filled(std::size_t count);

  struct Line {
    std::string_view text;  // without CR LF or LF; valid until room() is called
    std::size_t too_long =
        0;  // bytes seen so far when the line is over the limit; text is empty then
    Foreign foreign = Foreign::kNone;  // else it was the last line, and text is empty
  };
  /// The next whole line; empty when there is none yet.
  std::optional<Line> next();

  /// Gives memory back that only long lines need. For a connection that is silent. REQUIRES, as
  /// room() does: nobody still fills what room() gave.
  void give_back();
  /// Whether give_back() would do anything now.
  bool can_give_back() const { return empty() && capacity_ > kBytesMin; }

  bool empty() const { return begin_ == end_; }
  /// False when next() would certainly find no whole line in what has arrived.
  bool may_have_line() const { return searched_ < end_; }
  /// Inside a line that was told as too long: what arrives is thrown away up to its end.
  bool skipping() const { return discarding_; }
  std::size_t capacity() const { return capacity_; }

 private:
  static constexpr std::size_t kBytesMin = 1024;
  static constexpr std::size_t kBytesKept = 64 * 1024;  // more is for long lines
  static constexpr int kEmptyRoundsMax = 16;            // that it is kept for without one

  Line told(std::string_view text);
  void resize(std::size_t capacity);

  std::size_t line_bytes_max_;
  std::unique_ptr<char[]> data_;  // NOLINT: a plain byte buffer that is not zeroed
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  // no line end before this
  bool discarding_ = false;   // inside a line that was told as too long
  bool is_first_ = true;      // the next line is
  Foreign foreign_ = Foreign::kNone;
  bool was_full_ = false;  // the last read filled all the room
  int empty_rounds_ = 0;   // reads since the last long line
};

}  // namespace kvmesh::tcp
