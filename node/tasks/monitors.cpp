#include "node/tasks/monitors.h"

#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::tasks {

std::optional<Ticket> Monitors::take() {
  if (first_ == waiting_.size()) return std::nullopt;
  const auto ticket = waiting_[first_++].ticket;
  if (first_ == waiting_.size()) {
    waiting_.clear();
    first_ = 0;
  } else if (first_ * 2 >= waiting_.size()) {  // moves as many as were taken since: O(1) each
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  return ticket;
}

void EndedReasons::add(ProcessId id, const Ended& ended, TimePoint until) {
  if (order_.size() == limits::kEndedReasonsMax) forget_oldest();
  reasons_.emplace(id, ended);
  order_.push_back({id, until});
}

const EndedReasons::Ended* EndedReasons::find(ProcessId id) const {
  const auto found = reasons_.find(id);
  return found == reasons_.end() ? nullptr : &found->second;
}

void EndedReasons::forget(TimePoint now) {
  while (!order_.empty() && order_.front().time <= now) forget_oldest();
}

void EndedReasons::forget_oldest() {
  reasons_.erase(order_.front().id);
  order_.pop_front();
}

}  // namespace kvmesh::tasks
