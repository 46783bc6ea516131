#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace kvmesh {

/// How long frames of one connection were under way, at least. Their sender stamps each with its
/// own clock; the smallest difference between ours and a stamp is taken for the distance of the two
/// clocks, and what a frame's difference is beyond it is the frame's age. Some time on the way is
/// in the smallest one too, so the age is never more than the truth. The smallest may rise again
/// with time, by more than two clocks can drift apart. A clock that jumps (a machine that was
/// stopped from outside) makes this wrong until reset(). Pure; not thread-safe.
class FrameAge {
 public:
  /// Time that a millisecond adds to the smallest difference: NTP slews a clock by half of this.
  static constexpr std::chrono::microseconds kDriftPerMs{1};
  /// No age is more, whatever the stamps are: longer than any request may take.
  static constexpr std::chrono::microseconds kAgeMax = std::chrono::hours{48};

  /// Whether a stamp was seen since the start, or reset().
  bool is_known() const { return known_; }
  void reset() { known_ = false; }

  /// The age of a frame that was read at `read_us`, by a clock that was looked at after it was
  /// read. Both are microseconds since any moment; a stamp that makes no sense is the sender's own
  /// loss.
  std::chrono::microseconds observe(std::uint64_t stamp_us, std::uint64_t read_us) {
    const auto difference = read_us - stamp_us;  // modulo 2^64, as all of these
    if (std::exchange(known_, true)) {
      const auto beyond = static_cast<std::int64_t>(difference - bound(read_us));
      if (beyond > 0) return std::min(std::chrono::microseconds{beyond}, kAgeMax);
    }
    smallest_ = difference;
    seen_us_ = read_us;
    return std::chrono::microseconds{0};
  }

 private:
  // The distance of the clocks is at most this now.
  std::uint64_t bound(std::uint64_t now_us) const {
    const auto passed = std::max<std::int64_t>(0, static_cast<std::int64_t>(now_us - seen_us_));
    return smallest_ + static_cast<std::uint64_t>(passed / 1000 + 1) *
                           static_cast<std::uint64_t>(kDriftPerMs.count());
  }

  bool known_ = false;
  std::uint64_t smallest_ = 0;
  std::uint64_t seen_us_ = 0;  // when it was
};

}  // namespace kvmesh
