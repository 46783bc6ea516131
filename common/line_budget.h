#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "common/deadline.h"

namespace kvmesh {

/// Keeps a flood of one kind of event from filling the log: so many lines a second, and a count of
/// the others. The same inputs give the same answers. Not thread-safe.
class LineBudget {
 public:
  static constexpr std::uint32_t kLinesPerSecondMax = 10;

  /// Whether one more line may be written now. A line that may not is counted as left out.
  bool take(TimePoint now) {
    if (now - second_began_ >= std::chrono::seconds{1}) {
      second_began_ = now;
      lines_ = 0;
      owed_ += std::exchange(left_out_, 0);
    }
    if (lines_ == kLinesPerSecondMax) {
      ++left_out_;
      return false;
    }
    ++lines_;
    return true;
  }
  /// How many lines were left out of seconds that are over, told once; 0: none. Call now and then.
  std::uint64_t take_left_out(TimePoint now) {
    if (now - second_began_ >= std::chrono::seconds{1}) return take_left_out();
    return std::exchange(owed_, 0);
  }
  /// The same of the second that is not over, too.
  std::uint64_t take_left_out() { return std::exchange(owed_, 0) + std::exchange(left_out_, 0); }

 private:
  TimePoint second_began_{};
  std::uint32_t lines_ = 0;     // of this second
  std::uint64_t left_out_ = 0;  // of this second
  std::uint64_t owed_ = 0;      // left out of earlier ones, and not told yet
};

}  // namespace kvmesh
