#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "common/deadline.h"

namespace kvmesh::store {

/// A number that a bucket gives to each of its changes; it never goes back. 0: no change, or no
/// such key.
using Revision = std::uint64_t;

/// Milliseconds since 1970 in the time of an engine; 0: never.
using Moment = std::uint64_t;
inline constexpr Moment kNever = 0;

inline constexpr int kRevisionTimeShift = 12;

/// The revision of a change at this moment, after `last`. It begins with the time, so that it does
/// not go back either when a bucket is dropped and made anew, or moves to another node; a bucket
/// that is changed more than 4096 times a millisecond runs ahead of it. Below 2^53, which JSON can
/// say exactly, until 2039.
constexpr Revision next_revision(Revision last, Moment now) {
  return std::max(last + 1, now << kRevisionTimeShift);
}
/// The time with which a revision begins.
constexpr Moment moment_of(Revision revision) { return revision >> kRevisionTimeShift; }

/// How long it is until then, at least 0; none: for ever.
constexpr std::optional<std::uint64_t> time_left(Moment until, Moment now) {
  if (until == kNever) return std::nullopt;
  return until > now ? until - now : 0;
}

/// The time of an engine: it begins with the clock of the machine and goes on steadily. So a
/// machine whose clock is set takes no revision back, and ends no key early or late.
class EngineClock {
 public:
  /// One that stands at `at` when it is `since`. Without: at 0, for tests and the simulation.
  constexpr EngineClock() = default;
  constexpr EngineClock(TimePoint since, Moment at) : since_(since), at_(at) {}
  /// The machine's clock, from now on.
  static EngineClock of_machine() {
    using std::chrono::milliseconds;
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const auto at = std::chrono::duration_cast<milliseconds>(wall).count();
    return {std::chrono::steady_clock::now(), static_cast<Moment>(std::max<std::int64_t>(at, 0))};
  }

  /// It is put forward, so that at `now` it is not before `moment`.
  void not_before(Moment moment, TimePoint now) { at_ += std::max(at(now), moment) - at(now); }
  Moment at(TimePoint now) const {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
    return at_ + static_cast<Moment>(std::max<std::int64_t>(passed, 0));
  }

 private:
  TimePoint since_{};
  Moment at_ = 0;
};

}  // namespace kvmesh::store
