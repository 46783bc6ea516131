// Named processes that are kept running: servers, and tasks that are to run always.

#include <cstdlib>
#include <utility>

#include <kvmesh/pid.h>

#include "common/text.h"
#include "node/tasks/processes.h"

namespace kvmesh::tasks {
namespace {

constexpr std::chrono::milliseconds kRetryPause{100};  // when the pool has no room to begin

}  // namespace

Status Processes::add_server(std::string name, ServerIndex server, RestartPolicy policy) {
  return supervision_.add({std::move(name), server, policy});
}

Status Processes::add_task(std::string name, Supervised::Task task, RestartPolicy policy) {
  return supervision_.add({std::move(name), std::move(task), policy});
}

void Processes::start_supervised(TimePoint now) {
  for (std::uint32_t place = 0; place < supervision_.size(); ++place) start(place, now);
}

void Processes::enter(Supervised& entry, Supervised::State state, TimePoint now) {
  entry.state = state;
  entry.since = now;
}

void Processes::start(std::uint32_t place, TimePoint now) {
  auto& entry = supervision_.at(place);
  if (stopping_) return enter(entry, Supervised::State::kEnded, now);
  const auto id = table_.take_id();
  const auto* task = std::get_if<Supervised::Task>(&entry.what);
  const auto status =
      task == nullptr ? runtime_.start_server(id, std::get<ServerIndex>(entry.what))
                      : runtime_.start({id, task->function, task->args, TimePoint::max(), {}, {}});
  if (!status.ok()) return restart_failed(place, status, now);
  Process& process =
      table_.add(id, task == nullptr ? Process::Kind::kServer : Process::Kind::kTask);
  process.supervised = place;
  process.started = now;
  process.function = entry.title();
  enter(entry, Supervised::State::kRunning, now);
  entry.id = id;
  ++entry.starts;
}

// A full pool is not the server's fault, so it does not count as a restart.
void Processes::restart_failed(std::uint32_t place, const Status& status, TimePoint now) {
  auto& entry = supervision_.at(place);
  entry.last_failure = status.text();
  if (status.code() == StatusCode::kOverloaded) {
    enter(entry, Supervised::State::kWaiting, now);
    entry.retry_at = now + kRetryPause;
    retries_.push_back(place);
    return;
  }
  enter(entry, Supervised::State::kNotStartable, now);
  runtime_.report(entry.title() + " cannot be started: " + status.to_string());
}

// Being cancelled is no failure, so it does not count as a restart either.
void Processes::after_exit(std::uint32_t place, End end, const std::string& reason, TimePoint now) {
  auto& entry = supervision_.at(place);
  const auto who = entry.title() + " " + Pid{options_.self.str(), entry.id}.to_string();
  entry.id = 0;
  if (end != End::kCancelled) entry.restart_asked = false;
  entry.last_failure = end == End::kNormal ? std::string{} : reason;
  if (stopping_ || (end == End::kNormal && entry.policy.kind == RestartPolicy::Kind::kTransient)) {
    return enter(entry, Supervised::State::kEnded, now);
  }
  if (end == End::kCancelled) {
    const bool asked = std::exchange(entry.restart_asked, false);
    runtime_.report(who + (asked ? " is restarted by request" : " was cancelled and is restarted"));
    return start(place, now);
  }
  const auto period = " in " + std::to_string(entry.policy.period.count()) + " ms";
  if (!entry.restarts.allow(now)) {
    enter(entry, Supervised::State::kGivenUp, now);
    return runtime_.report(who + " ended (" + reason + ") and is given up after " +
                           std::to_string(entry.restarts.count()) + " restarts" + period);
  }
  runtime_.report(who + " ended (" + reason + ") and is restarted, " +
                  std::to_string(entry.restarts.count()) + " of " +
                  std::to_string(entry.policy.max_restarts) + " times" + period);
  start(place, now);
}

Result<std::optional<ProcessId>> Processes::restart(std::string_view name, TimePoint now) {
  const auto place = supervision_.place_of(name);
  if (!place) return supervision_.not_found(options_.self.str(), name);
  if (stopping_) return can_add();
  auto& entry = supervision_.at(*place);
  entry.restarts.forget();
  if (entry.state == Supervised::State::kRunning) {
    entry.restart_asked = true;
    stop(*table_.find(entry.id), Process::Stop::kCancelled, "it is restarted", now);
    return std::optional<ProcessId>{};
  }
  if (entry.state == Supervised::State::kWaiting) return std::optional<ProcessId>{};
  runtime_.report(entry.title() + " is started anew by request; it was " +
                  std::string{entry.state_name()});
  start(*place, now);
  if (entry.state == Supervised::State::kRunning) return std::optional{entry.id};
  if (entry.state == Supervised::State::kWaiting) return std::optional<ProcessId>{};
  return entry.unavailable();
}

// The state that the calls were meant for is gone. Casts and messages go with it.
void Processes::refuse_calls(Process& process, const Status& status, const std::string& reason) {
  if (process.call) {
    const Status unanswered{StatusCode::kTaskFailed, process.function + " ended without an answer"};
    runtime_.answer(*process.call, status.ok() ? unanswered : status, {});
    process.call.reset();
  }
  const Status not_begun{StatusCode::kUnavailable,
                         process.function + " ended (" + reason +
                             ") before this call's turn came; it was not executed"};
  while (!process.mailbox.empty()) {
    const auto message = process.mailbox.pop();
    if (message.ticket) runtime_.answer(*message.ticket, not_begun, {});
  }
}

std::string Processes::right_to(const Process& process) const {
  if (process.kind == Process::Kind::kMailbox) return {};
  if (process.supervised >= supervision_.size()) return process.function;
  return supervision_.at(process.supervised).right();
}

std::optional<std::string> Processes::right_to(ProcessId id) const {
  if (const Process* process = table_.find(id)) return right_to(*process);
  if (const auto* ended = ended_.find(id)) return ended->right;
  return std::nullopt;
}

std::string Processes::right_to(std::string_view name) const {
  const Supervised* entry = supervision_.find(name);
  return entry == nullptr ? Supervised::right_to_server(name) : entry->right();
}

bool Processes::is_key_of(ProcessId id, std::uint64_t key) const {
  const Process* process = table_.find(id);
  return process != nullptr && process->is_open_to(key);
}

Result<Process*> Processes::find_named(std::string_view name) {
  const Supervised* entry = supervision_.find(name);
  if (entry == nullptr) return supervision_.not_found(options_.self.str(), name);
  if (entry->state != Supervised::State::kRunning) return entry->unavailable();
  return table_.find(entry->id);
}

Result<Process*> Processes::find_server(std::string_view name) {
  auto found = find_named(name);
  if (found && (*found)->kind != Process::Kind::kServer) {
    return Status{StatusCode::kInvalidArgument,
                  in_quotes(name) + " is a task, not a server; it takes messages, but no calls"};
  }
  return found;
}

void Processes::server_call(Ticket ticket, std::string_view name, ServerRequest request,
                            TimePoint now) {
  const auto process = find_server(name);
  if (!process) return runtime_.answer(ticket, process.status(), {});
  Delivery call{Delivery::Kind::kCall,
                std::move(request.from),
                std::move(request.args),
                std::move(request.function),
                ticket,
                request.deadline};
  const auto status = push(**process, std::move(call), now);
  if (!status.ok()) runtime_.answer(ticket, status, {});
}

Status Processes::server_cast(std::string_view name, ServerRequest request, TimePoint now) {
  const auto process = find_server(name);
  if (!process) return process.status();
  return push(**process,
              {Delivery::Kind::kCast, std::move(request.from), std::move(request.args),
               std::move(request.function), std::nullopt, TimePoint::max()},
              now);
}

void Processes::on_server_answer(ProcessId id, const Status& status, std::string_view result,
                                 TimePoint now) {
  Process& process = of_runtime(id);
  if (process.kind != Process::Kind::kServer || process.waiting) std::abort();
  if (process.call) {
    runtime_.answer(*process.call, status, status.ok() ? result : std::string_view{});
    process.call.reset();
    process.call_ends = kNever;
  }
  on_wait(id, std::nullopt, now);
}

}  // namespace kvmesh::tasks
