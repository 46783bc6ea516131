#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kvmesh::sim {

/// xoshiro256** 1.0 by David Blackman and Sebastiano Vigna ("Scrambled Linear Pseudorandom Number
/// Generators", 2021), seeded with SplitMix64. The same seed gives the same numbers with every
/// compiler and library, which the distributions of <random> do not promise. Integers only.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) word = next_seed(seed);
  }

  std::uint64_t next() {
    const auto out = std::rotl(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return out;
  }

  /// 0 .. bound-1; 0 when bound is 0. REQUIRES: bound < 2^32. Off an equal share by less than one
  /// in 2^32, which no test here can see.
  std::uint64_t below(std::uint64_t bound) { return ((next() >> 32) * bound) >> 32; }
  std::size_t index(std::size_t size) { return static_cast<std::size_t>(below(size)); }
  /// low .. high, both included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  std::chrono::microseconds between(std::chrono::microseconds low, std::chrono::microseconds high) {
    const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + std::chrono::microseconds{static_cast<std::int64_t>(below(span))};
  }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  /// The next number of SplitMix64; also a good way to mix several numbers into one seed.
  static std::uint64_t next_seed(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    auto mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// A short number that stands for all that was mixed into it, in order.
class TraceHash {
 public:
  void mix(std::uint64_t value) {
    auto state = hash_ ^ value;
    hash_ = Random::next_seed(state);
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0;
};

}  // namespace kvmesh::sim
