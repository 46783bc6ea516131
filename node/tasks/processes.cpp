// Tasks: their start, their progress, their end.

#include "node/tasks/processes.h"

#include <cstdlib>
#include <utility>

#include <kvmesh/pid.h>

#include "common/text.h"
#include "node/tasks/answers.h"

namespace kvmesh::tasks {
namespace {

// As the answer to a poll: the node is busy or out of reach, and the task goes on.
bool speaks_of_a_poll(StatusCode code) {
  return code == StatusCode::kOverloaded || code == StatusCode::kUnavailable ||
         code == StatusCode::kNoRoute;
}

}  // namespace

Processes::Processes(Options options, Runtime& runtime)
    : options_(std::move(options)), runtime_(runtime), table_(options_.first_id) {}

void Processes::run(Ticket ticket, Run task, TimePoint now) {
  if (const auto status = can_add(); !status.ok()) return runtime_.answer(ticket, status, {});
  const bool has_nodes_limit = options_.time_limit.count() > 0 &&
                               (task.limit.count() == 0 || options_.time_limit < task.limit);
  const auto limit = has_nodes_limit ? options_.time_limit : task.limit;
  const auto limit_ends = limit.count() > 0 ? now + limit : kNever;
  const auto id = table_.take_id();
  const auto traced = task.traced ? std::optional{ticket} : std::nullopt;
  const auto status =
      runtime_.start({id, task.function, std::move(task.args), limit_ends, traced, task.from});
  if (!status.ok()) return runtime_.answer(ticket, status, {});

  Process& process = table_.add(id, Process::Kind::kTask);
  process.mode = task.mode;
  process.has_asker = true;
  process.key = task.key;
  process.started = now;
  process.limit = limit;
  process.limit_ends = limit_ends;
  process.has_nodes_limit = has_nodes_limit;
  process.function = std::move(task.name);
  process.from = std::move(task.from);
  process.poll = Process::Poll{ticket, now + options_.slice};
  if (is_answered_at_once(process.mode)) {
    answer_poll(process, now);
  } else {
    table_.reschedule(process);
  }
}

void Processes::next(Ticket ticket, ProcessId id, std::uint64_t key, Wants wants, TimePoint now) {
  Process* process = table_.find(id);
  if (process == nullptr || process->kind != Process::Kind::kTask || !process->is_open_to(key)) {
    return answer_not_found(ticket, id);
  }
  process->detached = false;
  replace_poll(*process, {ticket, now + options_.slice, wants}, now);
  if (wants == Wants::kNothing) return;
  if (process->outcome || !process->output.empty()) answer_poll(*process, now);
}

Status Processes::cancel(ProcessId id, TimePoint now) {
  Process* process = table_.find(id);
  if (process == nullptr || process->exited) return not_found(id);
  if (process->kind == Process::Kind::kMailbox) {
    close(*process, "cancelled", now);
  } else if (!forestall(*process, Process::Stop::kCancelled, "cancelled", StatusCode::kCancelled,
                        now)) {
    stop(*process, Process::Stop::kCancelled, "cancelled", now);
  }
  return {};
}

void Processes::on_output(ProcessId id, Stream stream, std::string_view bytes) {
  Process& process = of_runtime(id);
  if (process.detached || !process.has_asker) return runtime_.give_credit(id, bytes.size());
  process.output.append(stream, bytes);
  note_news(process);
}

void Processes::on_exit(ProcessId id, Status status, std::string_view result, TimePoint now) {
  Process& process = of_runtime(id);
  process.exited = true;
  process.waiting = false;
  process.limit_ends = process.wait_ends = kNever;
  std::string reason = "normal";
  if (process.stop == Process::Stop::kCancelled) {
    reason = "cancelled";
  } else if (process.stop == Process::Stop::kKilled) {
    reason = "killed: " + process.why_stopped;
  } else if (!status.ok()) {
    reason = "failed: " +
             (status.code() == StatusCode::kTaskFailed ? status.text() : status.to_string());
  }
  tell_monitors(process, reason, now);

  if (process.supervised < supervision_.size()) {
    const auto place = process.supervised;
    refuse_calls(process, outcome_of(process, status), reason);
    End end = status.ok() && process.stop == Process::Stop::kNone ? End::kNormal : End::kFailed;
    if (process.stop == Process::Stop::kCancelled) end = End::kCancelled;
    table_.remove(process);
    return after_exit(place, end, reason, now);
  }
  process.mailbox.clear();
  process.timed.clear();
  if (!process.has_asker) return table_.remove(process);
  if (!process.outcome) decide(process, outcome_of(process, std::move(status)), result);
  if (process.has_poll_for_news()) return answer_poll(process, now);
  begin_lease(process, now);
}

// A task that was told to stop was cancelled, whatever its body made of that. What a function
// returns of its own must not be taken for the node's answer to a poll: that it is busy, or out of
// reach.
Status Processes::outcome_of(const Process& process, Status status) const {
  if (process.forestalled) return status;
  switch (process.stop) {
    case Process::Stop::kNone:
      return speaks_of_a_poll(status.code()) ? Status{StatusCode::kTaskFailed, status.to_string()}
                                             : std::move(status);
    case Process::Stop::kCancelled:
      return {StatusCode::kCancelled, title(process) + " was cancelled"};
    case Process::Stop::kKilled:
      break;
  }
  return {StatusCode::kCancelled, title(process) + " was stopped: " + process.why_stopped};
}

void Processes::decide(Process& process, Status status, std::string_view result) {
  if (status.ok() && result.size() > limits::kTaskResultBytesMax) {
    status = {StatusCode::kTooLarge, over_limit("result of " + title(process), result.size(),
                                                limits::kTaskResultBytesMax) +
                                         "; pass it on in parts, as messages or output"};
  }
  if (!status.ok()) result = {};
  process.outcome =
      std::make_unique<Process::Ending>(table_.meters().results, std::move(status), result);
}

// May remove the process, when its end is told.
void Processes::answer_poll(Process& process, TimePoint now) {
  const auto ticket = process.poll->ticket;
  process.poll.reset();
  process.has_news = false;
  scratch_.clear();
  const bool ended = process.outcome != nullptr;
  if (ended && !process.outcome->status.ok() && process.output.empty()) {
    runtime_.answer(ticket, process.outcome->status, {});
    return hand_over(process);
  }
  const bool done = ended && process.outcome->status.ok() && done_fits(process);
  const auto credit = done ? pack_done(scratch_, options_.self, process)
                           : pack_running(scratch_, options_.self, process);
  runtime_.answer(ticket, {}, scratch_.view());
  if (credit > 0 && !process.exited) runtime_.give_credit(process.id, credit);
  if (done) return hand_over(process);
  begin_lease(process, now);
}

void Processes::hand_over(Process& process) {
  if (process.exited) return table_.remove(process);
  process.has_asker = false;
  process.outcome.reset();
  process.lease_ends = kNever;
  table_.reschedule(process);
}

void Processes::stop(Process& process, Process::Stop cause, std::string why, TimePoint now) {
  if (process.stop != Process::Stop::kNone) return;
  process.stop = cause;
  process.why_stopped = std::move(why);
  runtime_.stop(process.id, process.why_stopped);
  deliver_next(process, now);
}

// Ends a task that waits to begin, here and now, with this code and whatever it was that ends it.
// It may be gone then. False: it has begun, or is none that ends for good; nothing has changed.
bool Processes::forestall(Process& process, Process::Stop cause, std::string why, StatusCode code,
                          TimePoint now) {
  if (process.kind != Process::Kind::kTask || process.stop != Process::Stop::kNone ||
      process.supervised < supervision_.size() || !runtime_.forestall(process.id)) {
    return false;
  }
  process.forestalled = true;
  process.stop = cause;
  process.why_stopped = std::move(why);
  const auto workers = runtime_.workers();
  const auto why_waited = workers.busy < workers.all
                              ? std::string{}  // one was about to take it
                              : " for a free worker (" + std::to_string(workers.busy) + " of " +
                                    std::to_string(workers.all) + " busy)";
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - process.started);
  on_exit(process.id,
          {code, title(process) + " waited " + std::to_string(waited.count()) + " ms" + why_waited +
                     " and never began, so nothing was executed: " + process.why_stopped},
          {}, now);
  return true;
}

// What the node does of its own accord, nobody could explain without its log. A server ends with
// its node and is there again with it. True: the task had not begun, and may be gone.
bool Processes::kill(Process& process, std::string why, StatusCode code, TimePoint now) {
  if (process.stop == Process::Stop::kNone && process.supervised >= supervision_.size() &&
      kills_.take(now)) {
    runtime_.report(title(process) + " was told to stop: " + why + "; its asker: " +
                    (process.from.empty() ? "a client without a pid" : process.from));
  }
  if (forestall(process, Process::Stop::kKilled, why, code, now)) return true;
  stop(process, Process::Stop::kKilled, std::move(why), now);
  return false;
}

void Processes::tell_monitors(Process& process, std::string_view reason, TimePoint now) {
  while (const auto ticket = process.monitors.take()) {
    scratch_.clear();
    pack_monitor(scratch_, false, reason);
    runtime_.answer(*ticket, {}, scratch_.view());
  }
  // For those whose slice has just ended and who are about to ask again, and for those who have the
  // pid from elsewhere. The pid of a task that is awaited is known to nobody else.
  const bool awaited = process.kind == Process::Kind::kTask && process.has_asker &&
                       !is_answered_at_once(process.mode);
  if (process.monitored || !awaited) {
    ended_.add(process.id, {std::string{reason}, right_to(process)}, now + options_.lease);
  }
}

void Processes::replace_poll(Process& process, const Process::Poll& poll, TimePoint now) {
  if (process.poll) answer_nothing_yet(process, now);
  process.poll = poll;
  table_.reschedule(process);
}

// What there is stays there.
void Processes::answer_nothing_yet(Process& process, TimePoint now) {
  const auto ticket = process.poll->ticket;
  process.poll.reset();
  scratch_.clear();
  if (process.kind == Process::Kind::kMailbox) {
    pack_no_messages(scratch_);
  } else {
    pack_nothing_yet(scratch_, options_.self, process);
  }
  runtime_.answer(ticket, {}, scratch_.view());
  begin_lease(process, now);
}

void Processes::begin_lease(Process& process, TimePoint now) {
  process.lease_ends = now + options_.lease;
  table_.reschedule(process);
}

void Processes::note_news(Process& process) {
  if (process.has_news || !process.has_poll_for_news()) return;
  process.has_news = true;
  news_.push_back(process.id);
}

Status Processes::can_add() const {
  if (stopping_) {
    return {StatusCode::kUnavailable,
            options_.self.str() + " is stopping; the request was not executed"};
  }
  if (table_.size() < options_.processes_max) return {};
  return {StatusCode::kOverloaded,
          options_.self.str() + " has " + std::to_string(table_.size()) + " processes, of " +
              std::to_string(options_.processes_max) +
              " that it takes (tasks.processes_max); the request was not executed"};
}

Process& Processes::of_runtime(ProcessId id) {
  Process* process = table_.find(id);
  if (process == nullptr || process->exited || process->kind == Process::Kind::kMailbox) {
    std::abort();
  }
  return *process;
}

Status Processes::not_found(ProcessId id) const {
  return {StatusCode::kNotFound, "there is no process " + Pid{options_.self.str(), id}.to_string() +
                                     ": it has ended, or never was"};
}

// To a request that must show the process's key.
Status Processes::not_found_by_key(ProcessId id) const {
  return {StatusCode::kNotFound, not_found(id).text() + ", or has another key"};
}

void Processes::answer_not_found(Ticket ticket, ProcessId id) {
  runtime_.answer(ticket, not_found_by_key(id), {});
}

std::string Processes::title(const Process& process) const {
  return process.function + " " + Pid{options_.self.str(), process.id}.to_string();
}

}  // namespace kvmesh::tasks
