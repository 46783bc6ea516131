// What happens because time passes; and the end of it all.

#include <utility>

#include "common/wire/pack.h"
#include "node/tasks/answers.h"
#include "node/tasks/processes.h"

namespace kvmesh::tasks {
namespace {

std::string milliseconds_text(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

}  // namespace

void Processes::flush(TimePoint now) {
  for (std::size_t i = 0; i < news_.size(); ++i) {
    Process* process = table_.find(news_[i]);
    if (process == nullptr || !process->has_news) continue;
    process->has_news = false;
    if (!process->has_poll_for_news()) continue;
    if (process->kind == Process::Kind::kMailbox) {
      answer_messages(*process, now);
    } else {
      answer_poll(*process, now);
    }
  }
  news_.clear();
}

void Processes::on_tick(TimePoint now) {
  while (Process* process = table_.first_due(now)) {
    ++visits_;
    visit(*process, now);
  }
  retry_starts(now);
  ended_.forget(now);
  report_left_out(kills_.take_left_out(now));
  flush(now);
}

void Processes::visit(Process& process, TimePoint now) {
  if (process.limit_ends <= now && end_limit(process, now)) return;
  if (process.poll && process.poll->due <= now) answer_poll_due(process, now);
  if (!process.poll && process.lease_ends <= now && end_lease(process, now)) return;
  if (process.wait_ends <= now) deliver_nothing(process);
  refuse_late_calls(process, now);
  while (process.monitors.next_due() <= now) {
    scratch_.clear();
    pack_monitor(scratch_, true, {});
    runtime_.answer(*process.monitors.take(), {}, scratch_.view());
  }
  while (process.timed.next_due() <= now) {
    const auto status = push(process, process.timed.take(), now);
    if (!status.ok()) runtime_.report("a timed message was dropped: " + status.text());
  }
  table_.reschedule(process);
}

// It can have news that came in this pass.
void Processes::answer_poll_due(Process& process, TimePoint now) {
  if (process.poll->wants == Wants::kNothing) {
    answer_nothing_yet(process, now);
  } else if (process.kind == Process::Kind::kMailbox) {
    answer_messages(process, now);
  } else {
    answer_poll(process, now);
  }
}

// The asker is answered in time; the body may take a while to notice. Whether the process has
// ended, as it had not begun.
bool Processes::end_limit(Process& process, TimePoint now) {
  process.limit_ends = kNever;
  const auto limit =
      (process.has_nodes_limit ? "its node's tasks.time_limit_ms of " : "its limit of ") +
      milliseconds_text(process.limit);
  Status outcome{StatusCode::kDeadlineExceeded,
                 title(process) + " is past " + limit +
                     "; it still runs, and was told to stop: what it did stands"};
  if (process.stop != Process::Stop::kNone) {
    outcome = outcome_of(process, outcome);
  } else if (kill(process, limit + " was over", StatusCode::kDeadlineExceeded, now)) {
    return true;
  }
  decide(process, std::move(outcome), {});
  if (process.has_poll_for_news()) answer_poll(process, now);
  return false;
}

// Whether the process is gone.
bool Processes::end_lease(Process& process, TimePoint now) {
  process.lease_ends = kNever;
  if (process.kind == Process::Kind::kMailbox) {
    if (kills_.take(now)) {
      runtime_.report(title(process) + " was closed: its client has not asked for " +
                      milliseconds_text(options_.lease));
    }
    close(process, "killed: the client is gone", now);
    return true;
  }
  if (process.exited) {
    table_.remove(process);
    return true;
  }
  process.detached = true;
  const auto credit = process.output.drop();
  if (credit > 0) runtime_.give_credit(process.id, credit);
  if (process.outcome) {
    hand_over(process);
  } else if (is_linked(process.mode)) {
    return kill(process, "its asker has not asked for " + milliseconds_text(options_.lease),
                StatusCode::kCancelled, now);
  }
  return false;
}

void Processes::retry_starts(TimePoint now) {
  while (!retries_.empty() && supervision_.at(retries_.front()).retry_at <= now) {
    const auto place = retries_.front();
    retries_.pop_front();
    start(place, now);
  }
}

void Processes::stop_all(TimePoint now) {
  stopping_ = true;
  for (Process* process = table_.oldest(); process != nullptr;) {
    Process* next = process->next;
    if (process->kind == Process::Kind::kMailbox) {
      close(*process, "killed: the node stops", now);
    } else if (process->exited) {
      if (process->poll) answer_nothing_yet(*process, now);
      table_.remove(*process);
    } else {
      (void)kill(*process, "the node stops", StatusCode::kCancelled, now);
    }
    process = next;
  }
  report_left_out(kills_.take_left_out());
}

void Processes::report_left_out(std::uint64_t count) {
  if (count == 0) return;
  runtime_.report(std::to_string(count) +
                  (count == 1 ? " more process was" : " more processes were") +
                  " told to stop, without a line each");
}

void Processes::list(wire::Buffer& out, TimePoint now, const Visible& visible) const {
  const auto begin = out.size();
  const auto count_at = wire::pack_open_array(out);
  std::uint32_t rows = 0;
  // Those that do not run are few, and first: the page may end before all that runs.
  for (std::uint32_t place = 0; place < supervision_.size(); ++place) {
    const auto& entry = supervision_.at(place);
    if (entry.state == Supervised::State::kRunning || (visible && !visible(entry.right())))
      continue;
    pack_stopped_row(out, entry, now);
    ++rows;
  }
  for (const Process* process = table_.oldest(); process != nullptr; process = process->next) {
    if (process->exited || (visible && !visible(right_to(*process)))) continue;
    if (rows == limits::kPageItemsMax) break;
    const auto row = out.size();
    std::string_view state = "running";
    const bool is_mailbox = process->kind == Process::Kind::kMailbox;
    const bool begun = is_mailbox || runtime_.has_begun(process->id);
    // A server that waits within a handler is busy all the same: its next call has to wait.
    const bool waits = process->waiting || is_mailbox ||
                       (process->kind == Process::Kind::kTask && runtime_.is_parked(process->id));
    if (begun && process->stop != Process::Stop::kNone) {
      state = "stopping";
    } else if (begun && waits) {
      state = "waiting";
    } else if (!begun || !runtime_.has_taken(process->id)) {
      state = "queued";
    }
    const auto* entry =
        process->supervised < supervision_.size() ? &supervision_.at(process->supervised) : nullptr;
    pack_row(out, options_.self, *process, entry, state, now);
    if (out.size() - begin > limits::kPageBytesMax) {
      out.truncate(row);
      break;
    }
    ++rows;
  }
  out.put_u32(count_at, rows);
}

}  // namespace kvmesh::tasks
