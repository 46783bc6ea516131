// Messages: mailboxes of clients, receive, send, monitors.

#include <cstdlib>
#include <utility>

#include "common/text.h"
#include "node/tasks/answers.h"
#include "node/tasks/processes.h"

namespace kvmesh::tasks {
namespace {

// More than the heads of a message and of the reply that carries it to a client.
constexpr std::size_t kMessageHeadBytes = 64;

constexpr std::uint64_t kAsManyAsFit = ~std::uint64_t{0};

}  // namespace

Result<ProcessId> Processes::open(std::uint64_t key, TimePoint now) {
  if (auto status = can_add(); !status.ok()) return status;
  Process& process = table_.add(table_.take_id(), Process::Kind::kMailbox);
  process.has_asker = true;
  process.key = key;
  process.started = now;
  process.function = "mailbox";
  begin_lease(process, now);
  return process.id;
}

void Processes::receive(Ticket ticket, ProcessId id, std::uint64_t key, std::uint64_t most,
                        Wants wants, TimePoint now) {
  Process* process = table_.find(id);
  if (process == nullptr || process->kind != Process::Kind::kMailbox || !process->is_open_to(key)) {
    return answer_not_found(ticket, id);
  }
  replace_poll(*process, {ticket, now + options_.slice, wants, most == 0 ? kAsManyAsFit : most},
               now);
  if (wants == Wants::kNews && !process->mailbox.empty()) answer_messages(*process, now);
}

void Processes::answer_messages(Process& process, TimePoint now) {
  const auto poll = *process.poll;
  process.poll.reset();
  process.has_news = false;
  scratch_.clear();
  pack_messages(scratch_, process.mailbox, poll.messages_max);
  runtime_.answer(poll.ticket, {}, scratch_.view());
  begin_lease(process, now);
}

Status Processes::close(ProcessId id, std::uint64_t key, TimePoint now) {
  Process* process = table_.find(id);
  if (process == nullptr || process->kind != Process::Kind::kMailbox || !process->is_open_to(key)) {
    return not_found_by_key(id);
  }
  close(*process, "normal", now);
  return {};
}

void Processes::close(Process& process, std::string_view reason, TimePoint now) {
  tell_monitors(process, reason, now);
  if (process.poll) answer_nothing_yet(process, now);
  table_.remove(process);
}

Status Processes::send(ProcessId to, Delivery message, TimePoint now) {
  Process* process = table_.find(to);
  if (process == nullptr || process->exited) return not_found(to);
  return push(*process, std::move(message), now);
}

Status Processes::send(std::string_view to, Delivery message, TimePoint now) {
  const auto process = find_named(to);
  if (!process) return process.status();
  return push(**process, std::move(message), now);
}

Status Processes::push(Process& process, Delivery message, TimePoint now) {
  if (message.bytes() + kMessageHeadBytes > limits::kBodyBytesMax) {
    return {StatusCode::kTooLarge,
            over_limit("message", message.bytes(), limits::kBodyBytesMax - kMessageHeadBytes)};
  }
  std::string full;
  if (message.is_node_event()) {
    process.mailbox.push_event(std::move(message));
  } else {
    full = process.mailbox.push(std::move(message));
  }
  if (!full.empty()) {
    return {StatusCode::kOverloaded, "the mailbox of " + title(process) + " is full: " + full +
                                         "; the message was not delivered"};
  }
  if (process.kind == Process::Kind::kMailbox) {
    note_news(process);
  } else {
    deliver_next(process, now);
    if (process.mailbox.next_late() != kNever) table_.reschedule(process);
  }
  return {};
}

void Processes::on_wait(ProcessId id, std::optional<TimePoint> until, TimePoint now) {
  Process& process = of_runtime(id);
  if (process.waiting || process.call) std::abort();
  process.waiting = true;
  process.wait_ends = until.value_or(kNever);
  deliver_next(process, now);
  if (!process.waiting) return;
  if (process.wait_ends <= now) return deliver_nothing(process);
  if (until) table_.reschedule(process);
}

void Processes::deliver_next(Process& process, TimePoint now) {
  if (!process.waiting) return;
  if (process.stop != Process::Stop::kNone) return deliver_nothing(process);
  while (!process.mailbox.empty()) {
    auto message = process.mailbox.pop();
    if (message.ticket && message.deadline <= now) {
      runtime_.answer(*message.ticket, call_is_late(title(process)), {});
      continue;
    }
    process.waiting = false;
    process.wait_ends = kNever;
    process.call = message.ticket;
    if (message.ticket && message.deadline != kNever) {
      process.call_ends = message.deadline;
      table_.reschedule(process);
    }
    return runtime_.deliver(process.id, std::move(message));
  }
}

// Its callers are told in time, and of what has not begun for certain that it has not.
void Processes::refuse_late_calls(Process& process, TimePoint now) {
  while (process.mailbox.next_late() <= now) {
    const auto call = process.mailbox.take_late();
    runtime_.answer(*call.ticket, call_is_late(title(process)), {});
  }
  if (process.call_ends > now) return;
  process.call_ends = kNever;
  if (!process.call || !runtime_.take_back(process.id)) return;
  runtime_.answer(*std::exchange(process.call, std::nullopt), call_is_late(title(process)), {});
  process.waiting = true;
  deliver_next(process, now);
}

void Processes::deliver_nothing(Process& process) {
  process.waiting = false;
  process.wait_ends = kNever;
  runtime_.deliver(process.id, {});
}

void Processes::monitor(Ticket ticket, ProcessId id, TimePoint now) {
  Process* process = table_.find(id);
  if (process != nullptr && !process->exited) {
    process->monitored = true;
    process->monitors.add(ticket, now + options_.slice);
    return table_.reschedule(*process);
  }
  const auto* ended = ended_.find(id);
  scratch_.clear();
  pack_monitor(scratch_, false, ended == nullptr ? "no such process" : ended->reason);
  runtime_.answer(ticket, {}, scratch_.view());
}

Status Processes::on_timer(ProcessId id, std::chrono::milliseconds after, std::string body,
                           TimePoint now) {
  Process& process = of_runtime(id);
  Delivery message;
  message.kind = Delivery::Kind::kTimer;
  message.body = std::move(body);
  const auto full = process.timed.add(now + after, std::move(message));
  if (!full.empty()) {
    return {StatusCode::kOverloaded,
            "too many timed messages of " + title(process) + " are to come: " + full};
  }
  table_.reschedule(process);
  return {};
}

}  // namespace kvmesh::tasks
