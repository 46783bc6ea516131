#pragma once

#include <cstdint>
#include <vector>

namespace kvmesh::bench {

/// Counts values (nanoseconds, here) with a relative error below 1 in 128 over the whole range of
/// 64 bits, in constant time and 59 KiB: a power of two is cut into 128 equal steps. This is the
/// layout of HdrHistogram (Gil Tene, http://hdrhistogram.org, "log-linear buckets"). One thread.
class Histogram {
 public:
  Histogram();

  void add(std::uint64_t value);
  void clear();

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  /// 0 when nothing was counted, as for the others.
  double mean() const;
  /// A value v such that at least `percent` % of the values are at most v: the highest of its step,
  /// but not above max(). REQUIRES: 0 <= percent <= 100.
  std::uint64_t percentile(double percent) const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace kvmesh::bench
