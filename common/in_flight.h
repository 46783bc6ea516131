#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/deadline.h"
#include "common/names.h"

namespace kvmesh {

/// Requests that were sent over some link and not yet answered, with a `Payload` for each (who
/// asked, and so on). An id is a slot and the slot's generation: finding an entry is one array
/// access, and a late, duplicate or invented id finds nothing. Deadlines are kept in a hashed
/// timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6):
/// adding, removing and expiring are O(1). Invariant: every live entry is on exactly one link's
/// list and in exactly one slot of the wheel. Bounded by `entries_max`; grows to what is used and
/// keeps it. Owned by one thread; no locks.
template <typename Payload>
class InFlight {
 public:
  struct Taken {
    RequestId id;
    std::size_t link = 0;
    Payload payload;
  };

  InFlight(std::size_t links, std::uint32_t entries_max, TimePoint start)
      : entries_max_(entries_max), links_(links), done_tick_(tick_of(start)) {
    wheel_.fill(kNil);
  }

  /// From now on there are `links` of them; never fewer than before.
  void grow(std::size_t links) {
    if (links > links_.size()) links_.resize(links);
  }

  /// Adds an entry; empty when entries_max are there already. `bytes` is what it weighs in
  /// link_bytes(). REQUIRES: link < links.
  std::optional<RequestId> add(std::size_t link, std::size_t bytes, TimePoint deadline,
                               Payload payload) {
    const auto slot = take_slot();
    if (slot == kNil) return std::nullopt;
    Slot& e = slots_[slot];
    e.live = true;
    e.link = static_cast<std::uint32_t>(link);
    e.bytes = static_cast<std::uint32_t>(bytes);
    e.due_tick =
        tick_of(deadline) + 1;  // never early: the tick that holds the deadline must be over
    if (e.due_tick <= done_tick_) e.due_tick = done_tick_ + 1;
    e.payload = std::move(payload);
    push_link(slot);
    push_wheel(slot);
    ++size_;
    return RequestId{std::uint64_t{e.generation} << 32 | slot};
  }

  /// The entry's payload, or null when there is no such entry. Valid until the next change.
  Payload* find(RequestId id) {
    const auto slot = live_slot(id);
    return slot == kNil ? nullptr : &slots_[slot].payload;
  }
  /// REQUIRES: find(id) != nullptr.
  std::size_t link_of(RequestId id) const { return slots_[slot_of(id)].link; }

  /// Removes the entry and returns it; empty when there is none.
  std::optional<Taken> take(RequestId id) {
    const auto slot = live_slot(id);
    if (slot == kNil) return std::nullopt;
    return take_at(slot);
  }
  /// Removes the oldest entry of a link; empty when it has none. Calling until empty ends a link's
  /// epoch.
  std::optional<Taken> take_oldest(std::size_t link) {
    const auto slot = links_[link].first;
    if (slot == kNil) return std::nullopt;
    return take_at(slot);
  }
  /// Removes one entry whose deadline is over; empty when none is. Call until empty on every tick.
  std::optional<Taken> take_expired(TimePoint now) {
    const auto now_tick = tick_of(now);
    if (now_tick - done_tick_ > static_cast<std::int64_t>(kWheelSlots)) {
      done_tick_ = now_tick - static_cast<std::int64_t>(kWheelSlots);  // one turn visits every slot
    }
    if (now_tick != scan_tick_) scanning_ = false;
    while (done_tick_ < now_tick) {
      if (!scanning_) scan_ = wheel_[wheel_slot(done_tick_ + 1)];
      scanning_ = true;
      scan_tick_ = now_tick;
      while (scan_ != kNil) {
        const auto slot = std::exchange(scan_, slots_[scan_].wheel_next);
        if (slots_[slot].due_tick <= now_tick) return take_at(slot);
      }
      ++done_tick_;
      scanning_ = false;
    }
    return std::nullopt;
  }

  std::size_t size() const { return size_; }
  std::size_t link_size(std::size_t link) const { return links_[link].size; }
  std::size_t link_bytes(std::size_t link) const { return links_[link].bytes; }

 private:
  static constexpr std::uint32_t kNil = 0xffffffff;
  static constexpr std::size_t kWheelSlots = 1024;
  static constexpr std::chrono::milliseconds kTick{8};  // a turn of the wheel is just over 8 s

  struct Slot {
    Payload payload{};
    std::int64_t due_tick = 0;
    std::uint32_t generation = 1;
    std::uint32_t link = 0;
    std::uint32_t bytes = 0;
    std::uint32_t link_prev = kNil, link_next = kNil;
    std::uint32_t wheel_prev = kNil, wheel_next = kNil;
    bool live = false;
  };
  struct LinkList {
    std::uint32_t first = kNil, last = kNil;
    std::size_t size = 0, bytes = 0;
  };

  static std::int64_t tick_of(TimePoint t) { return t.time_since_epoch() / kTick; }
  static std::size_t wheel_slot(std::int64_t tick) {
    return static_cast<std::size_t>(tick) % kWheelSlots;
  }
  static std::uint32_t slot_of(RequestId id) { return static_cast<std::uint32_t>(id.value); }

  std::uint32_t live_slot(RequestId id) const {
    const auto slot = slot_of(id);
    if (slot >= slots_.size()) return kNil;
    const Slot& e = slots_[slot];
    return e.live && e.generation == id.value >> 32 ? slot : kNil;
  }

  std::uint32_t take_slot() {
    if (!free_.empty()) {
      const auto slot = free_.back();
      free_.pop_back();
      return slot;
    }
    if (slots_.size() == entries_max_) return kNil;
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }

  void push_link(std::uint32_t slot) {
    Slot& e = slots_[slot];
    LinkList& list = links_[e.link];
    e.link_prev = list.last;
    e.link_next = kNil;
    (list.last == kNil ? list.first : slots_[list.last].link_next) = slot;
    list.last = slot;
    ++list.size;
    list.bytes += e.bytes;
  }
  void push_wheel(std::uint32_t slot) {
    Slot& e = slots_[slot];
    auto& first = wheel_[wheel_slot(e.due_tick)];
    e.wheel_prev = kNil;
    e.wheel_next = first;
    if (first != kNil) slots_[first].wheel_prev = slot;
    first = slot;
    scanning_ = false;
  }

  Taken take_at(std::uint32_t slot) {
    Slot& e = slots_[slot];
    LinkList& list = links_[e.link];
    (e.link_prev == kNil ? list.first : slots_[e.link_prev].link_next) = e.link_next;
    (e.link_next == kNil ? list.last : slots_[e.link_next].link_prev) = e.link_prev;
    --list.size;
    list.bytes -= e.bytes;
    (e.wheel_prev == kNil ? wheel_[wheel_slot(e.due_tick)] : slots_[e.wheel_prev].wheel_next) =
        e.wheel_next;
    if (e.wheel_next != kNil) slots_[e.wheel_next].wheel_prev = e.wheel_prev;
    if (scan_ == slot) scan_ = e.wheel_next;

    Taken taken{RequestId{std::uint64_t{e.generation} << 32 | slot}, e.link, std::move(e.payload)};
    e.payload = Payload{};
    e.live = false;
    ++e.generation;  // wraps after 2^32 uses of one slot; a reply that late is long expired
    free_.push_back(slot);
    --size_;
    return taken;
  }

  std::uint32_t entries_max_;
  std::size_t size_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<LinkList> links_;
  std::array<std::uint32_t, kWheelSlots> wheel_;
  std::int64_t done_tick_;  // all that was due up to this tick is gone
  // Where take_expired() goes on in the slot after done_tick_, so that entries of later turns are
  // passed once for each tick and not once for each entry that expires. Begins anew when something
  // was added.
  bool scanning_ = false;
  std::uint32_t scan_ = kNil;
  std::int64_t scan_tick_ = 0;
};

}  // namespace kvmesh
