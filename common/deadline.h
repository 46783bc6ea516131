#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <kvmesh/limits.h>

namespace kvmesh {

/// A point on the monotonic clock. Pure code takes it as an argument and never asks for it.
using TimePoint = std::chrono::steady_clock::time_point;

/// When a request that arrived at `now` with `timeout_ms` left must be answered.
inline TimePoint deadline_after(TimePoint now, std::uint64_t timeout_ms) {
  const auto most = static_cast<std::uint64_t>(limits::kTimeoutMax.count());
  return now + std::chrono::milliseconds{std::min(timeout_ms, most)};
}

/// Whole milliseconds from `now` to `deadline`, rounded down, so that a node never grants more than
/// it was given.
inline std::uint64_t remaining_ms(TimePoint deadline, TimePoint now) {
  if (deadline <= now) return 0;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count());
}

}  // namespace kvmesh
