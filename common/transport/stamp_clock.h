#pragma once

#include <ctime>

#include <cstdint>

namespace kvmesh::transport {

/// The clock of stamps, in microseconds since some moment: it never goes back, and goes on while
/// the machine is suspended, as whoever is at the other end does. No system call, as a rule.
inline std::uint64_t stamp_now_us() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace kvmesh::transport
