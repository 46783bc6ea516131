#include "node/tasks/mailbox.h"

#include <iterator>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::tasks {
namespace {

std::string of(std::size_t actual, std::size_t limit, std::string_view unit) {
  return std::to_string(actual).append(" of ").append(std::to_string(limit)).append(unit);
}

// What keeps `bytes` more from being taken; empty when nothing does.
std::string why_full(std::size_t messages, const Held& held, std::size_t bytes) {
  if (messages >= limits::kMailboxMessagesMax || held.bytes() + bytes > limits::kMailboxBytesMax) {
    return "it holds " + of(messages, limits::kMailboxMessagesMax, " messages and ") +
           of(held.bytes(), limits::kMailboxBytesMax, " bytes");
  }
  if (held.of_all() + bytes > limits::kMailboxesBytesMax) {
    return "all mailboxes of the node together hold " +
           of(held.of_all(), limits::kMailboxesBytesMax, " bytes");
  }
  return {};
}

}  // namespace

std::string Mailbox::push(Delivery&& message) {
  const auto bytes = message.bytes();
  auto full = why_full(messages_.size(), held_, bytes);
  if (!full.empty()) return full;
  held_.add(bytes);
  messages_.push_back(std::move(message));
  const auto& last = messages_.back();
  if (last.ticket && last.deadline != kNever) {
    calls_.emplace(std::pair{last.deadline, &last}, std::prev(messages_.end()));
  }
  return {};
}

void Mailbox::push_event(Delivery&& event) {
  const auto bytes = event.bytes();
  if (!why_full(messages_.size(), held_, bytes).empty()) {
    messages_.remove_if([&](const Delivery& earlier) {
      const bool same_node = earlier.is_node_event() && earlier.from == event.from &&
                             earlier.function == event.function;
      const bool outdated = same_node && (event.kind == Delivery::Kind::kNodeDown ||
                                          earlier.kind == Delivery::Kind::kNodeUp);
      if (outdated) held_.remove(earlier.bytes());
      return outdated;
    });
  }
  held_.add(bytes);
  messages_.push_back(std::move(event));
}

Delivery Mailbox::pop() { return take(messages_.begin()); }

Delivery Mailbox::take_late() { return take(calls_.begin()->second); }

Delivery Mailbox::take(Messages::iterator message) {
  calls_.erase({message->deadline, &*message});
  Delivery out = std::move(*message);
  messages_.erase(message);
  held_.remove(out.bytes());
  return out;
}

void Mailbox::clear() {
  calls_.clear();
  messages_.clear();
  held_.clear();
}

std::string TimedMessages::add(TimePoint due, Delivery&& message) {
  const auto bytes = message.bytes();
  auto full = why_full(size(), held_, bytes);
  if (!full.empty()) return full;
  if (!messages_) messages_ = std::make_unique<Messages>();
  held_.add(bytes);
  messages_->emplace(due, std::move(message));
  return {};
}

TimePoint TimedMessages::next_due() const {
  return size() == 0 ? kNever : messages_->begin()->first;
}

Delivery TimedMessages::take() {
  Delivery out = std::move(messages_->begin()->second);
  messages_->erase(messages_->begin());
  held_.remove(out.bytes());
  return out;
}

void TimedMessages::clear() {
  messages_.reset();
  held_.clear();
}

}  // namespace kvmesh::tasks
