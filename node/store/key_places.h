#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvmesh::store {

/// Of a change, in the order in which changes were written down. 0: none.
using Place = std::uint64_t;

/// Where the last change of each key was written down, or of another key that shares its slot: who
/// reads a key waits for that one at most. 512 KiB, however many keys there are. `key_hash` is of
/// the key and its bucket: buckets often have keys of the same names.
/// Thread-safe.
class KeyPlaces {
 public:
  Place of(std::uint64_t key_hash) const {
    return slots_[slot(key_hash)].load(std::memory_order_acquire);
  }
  /// Never goes back: two keys may share a slot, under different locks.
  void raise(std::uint64_t key_hash, Place place) {
    auto& at = slots_[slot(key_hash)];
    auto before = at.load(std::memory_order_relaxed);
    while (before < place && !at.compare_exchange_weak(before, place, std::memory_order_release)) {
    }
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 16;
  static std::size_t slot(std::uint64_t key_hash) { return key_hash & (kSlots - 1); }

  std::vector<std::atomic<Place>> slots_ = std::vector<std::atomic<Place>>(kSlots);
};

}  // namespace kvmesh::store
