#include "client/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace kvmesh::bench {
namespace {

constexpr unsigned kStepBits = 7;  // 128 steps in each power of two
constexpr std::uint64_t kSteps = std::uint64_t{1} << kStepBits;
constexpr std::size_t kSlots = (64 - kStepBits + 1) * kSteps;

// Values below 2 * kSteps stand for themselves; above, the leading kStepBits + 1 bits decide.
std::size_t slot_of(std::uint64_t value) {
  if (value < 2 * kSteps) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
  return shift * kSteps + (value >> shift);
}

std::uint64_t highest_of(std::size_t slot) {
  if (slot < 2 * kSteps) return slot;
  const auto shift = slot / kSteps - 1;
  const auto leading = slot - shift * kSteps;
  return (leading << shift) + ((std::uint64_t{1} << shift) - 1);
}

}  // namespace

Histogram::Histogram() : counts_(kSlots, 0) {}

void Histogram::add(std::uint64_t value) {
  ++counts_[slot_of(value)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::clear() {
  std::ranges::fill(counts_, 0);
  count_ = max_ = 0;
  sum_ = 0;
}

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::uint64_t Histogram::percentile(double percent) const {
  const auto rank = static_cast<std::uint64_t>(
      std::ceil(std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_)));
  const auto wanted = std::clamp<std::uint64_t>(rank, 1, std::max<std::uint64_t>(count_, 1));
  std::uint64_t seen = 0;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    seen += counts_[slot];
    if (seen >= wanted) return std::min(highest_of(slot), max_);
  }
  return max_;
}

}  // namespace kvmesh::bench
