#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/meter.h"
#include "node/tasks/runtime.h"
#include "node/tasks/timetable.h"

namespace kvmesh::tasks {

/// What waits for one process, first in first out, so that messages of one sender keep their order.
/// Bounded by limits::kMailboxMessagesMax and kMailboxBytesMax, and all of one meter together by
/// kMailboxesBytesMax; an empty one allocates nothing. Not thread-safe.
class Mailbox {
 public:
  explicit Mailbox(Meter& meter) : held_(meter) {}

  /// Takes `message`; empty. Or leaves it as it is and says what is full, with both numbers.
  std::string push(Delivery&& message);
  /// Takes a node event in any case. In a full mailbox earlier events of the same node, seen by the
  /// same one, go for it: an earlier up, and before a down all. So there are at most two for each.
  void push_event(Delivery&& event);
  /// REQUIRES: !empty().
  const Delivery& front() const { return messages_.front(); }
  /// Takes the oldest. REQUIRES: !empty().
  Delivery pop();
  /// When the first call in it is late; kNever when none can be.
  TimePoint next_late() const { return calls_.empty() ? kNever : calls_.begin()->first.first; }
  /// Takes that call. REQUIRES: next_late() != kNever.
  Delivery take_late();
  void clear();

  bool empty() const { return messages_.empty(); }
  std::size_t size() const { return messages_.size(); }
  std::size_t bytes() const { return held_.bytes(); }

 private:
  using Messages = std::list<Delivery>;  // a deque would allocate half a kilobyte when empty

  Delivery take(Messages::iterator message);

  Messages messages_;
  std::map<std::pair<TimePoint, const Delivery*>, Messages::iterator> calls_;  // with a deadline
  Held held_;
};

/// Messages that a process has sent itself for later, within the bounds of a mailbox. Not
/// thread-safe.
class TimedMessages {
 public:
  explicit TimedMessages(Meter& meter) : held_(meter) {}

  /// As Mailbox::push().
  std::string add(TimePoint due, Delivery&& message);
  TimePoint next_due() const;
  /// Takes the earliest. REQUIRES: next_due() != kNever.
  Delivery take();
  void clear();
  std::size_t size() const { return messages_ ? messages_->size() : 0; }

 private:
  using Messages = std::multimap<TimePoint, Delivery>;
  std::unique_ptr<Messages> messages_;  // null for nearly every process
  Held held_;
};

}  // namespace kvmesh::tasks
