#include "node/tasks/timetable.h"

#include <algorithm>

namespace kvmesh::tasks {

void Timetable::set(Timed& item, TimePoint due) {
  if (due == kNever) return remove(item);
  if (item.place_ == Timed::kNowhere) {
    heap_.push_back({due, next_order_++, &item});
    item.place_ = heap_.size() - 1;
    return move_up(item.place_);
  }
  HeapItem& slot = heap_[item.place_];
  if (slot.due == due) return;
  const bool earlier = due < slot.due;
  slot.due = due;
  slot.order = next_order_++;
  earlier ? move_up(item.place_) : move_down(item.place_);
}

void Timetable::remove(Timed& item) {
  const auto place = item.place_;
  if (place == Timed::kNowhere) return;
  item.place_ = Timed::kNowhere;
  const HeapItem last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  move_up(place);
  move_down(last.item->place_);
}

TimePoint Timetable::due(const Timed& item) const {
  return item.place_ == Timed::kNowhere ? kNever : heap_[item.place_].due;
}

Timed* Timetable::first_due(TimePoint now) const {
  return heap_.empty() || heap_.front().due > now ? nullptr : heap_.front().item;
}

void Timetable::put(std::size_t place, const HeapItem& slot) {
  heap_[place] = slot;
  slot.item->place_ = place;
}

void Timetable::move_up(std::size_t place) {
  const HeapItem moving = heap_[place];
  while (place > 0) {
    const auto parent = (place - 1) / kChildren;
    if (!moving.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, moving);
}

void Timetable::move_down(std::size_t place) {
  const HeapItem moving = heap_[place];
  for (;;) {
    const auto first = place * kChildren + 1;
    if (first >= heap_.size()) break;
    const auto end = std::min(first + kChildren, heap_.size());
    auto least = first;
    for (auto child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(moving)) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, moving);
}

}  // namespace kvmesh::tasks
