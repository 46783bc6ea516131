#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/deadline.h"

namespace kvmesh::tasks {

inline constexpr TimePoint kNever = TimePoint::max();

/// What can stand in a timetable, once. Derive from it.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  friend class Timetable;
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  std::size_t place_ = kNowhere;
};

/// Items in the order of their times, equal ones in the order in which they were set: a heap that
/// knows where each item stands. set() and remove() cost O(log n), and O(1) for a time after all
/// others; asking for the next is O(1). Does not own the items: remove one before it ends. Not
/// thread-safe.
class Timetable {
 public:
  /// Puts the item in, or moves it to another time; kNever takes it out.
  void set(Timed& item, TimePoint due);
  void remove(Timed& item);
  /// The time at which the item stands; kNever when it does not.
  TimePoint due(const Timed& item) const;
  /// The item with the earliest time if that has come, else null. It stays in.
  Timed* first_due(TimePoint now) const;
  std::size_t size() const { return heap_.size(); }

 private:
  struct HeapItem {
    TimePoint due;
    std::uint64_t order;
    Timed* item;
    bool before(const HeapItem& other) const {
      return due != other.due ? due < other.due : order < other.order;
    }
  };
  static constexpr std::size_t kChildren = 4;

  void put(std::size_t place, const HeapItem& slot);
  void move_up(std::size_t place);
  void move_down(std::size_t place);

  std::vector<HeapItem> heap_;
  std::uint64_t next_order_ = 0;
};

}  // namespace kvmesh::tasks
