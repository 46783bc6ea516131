#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace kvmesh {

/// A queue of at most `kSlots` items between any threads, without a lock: nobody waits for anybody,
/// and what finds it full is refused. (Each slot has a number that says whose turn it is: at 2n it
/// may be filled by the n-th round, at 2n + 1 emptied.)
template <typename Item, std::size_t kSlots>
class LineRing {
 public:
  /// False when it is full; `item` is unchanged then.
  bool push(Item& item) {
    auto at = end_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[at % kSlots];
      const auto turn = slot.turn.load(std::memory_order_acquire);
      if (turn == 2 * (at / kSlots)) {
        if (!end_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        slot.item = std::move(item);
        slot.turn.store(turn + 1, std::memory_order_release);
        return true;
      }
      const auto now = end_.load(std::memory_order_relaxed);
      if (now == at) return false;
      at = now;
    }
  }

  /// The oldest. One thread only.
  std::optional<Item> pop() {
    Slot& slot = slots_[begin_ % kSlots];
    const auto turn = slot.turn.load(std::memory_order_acquire);
    if (turn != 2 * (begin_ / kSlots) + 1) return std::nullopt;
    std::optional<Item> item{std::move(slot.item)};
    slot.turn.store(turn + 1, std::memory_order_release);
    ++begin_;
    return item;
  }

 private:
  struct Slot {
    std::atomic<std::uint64_t> turn{0};
    Item item;
  };
  std::array<Slot, kSlots> slots_;
  std::atomic<std::uint64_t> end_{0};
  std::uint64_t begin_ = 0;
};

}  // namespace kvmesh
