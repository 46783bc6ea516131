#include "node/tasks/supervision.h"

#include <algorithm>
#include <utility>

#include "common/text.h"

namespace kvmesh::tasks {

bool RestartCounter::allow(TimePoint now) {
  while (!restarts_.empty() && restarts_.front() + policy_.period <= now) restarts_.pop_front();
  if (restarts_.size() >= policy_.max_restarts) return false;
  restarts_.push_back(now);
  return true;
}

std::size_t RestartCounter::count(TimePoint now) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      restarts_, [&](TimePoint restart) { return restart + policy_.period > now; }));
}

std::string Supervised::right() const {
  const auto* task = std::get_if<Task>(&what);
  return task == nullptr ? right_to_server(name) : task->function_name;
}

Status Supervised::unavailable() const {
  std::string why = title();
  switch (state) {
    case State::kNotStarted:
    case State::kRunning:
      why += " is not started yet";
      break;
    case State::kWaiting:
      why += " is being restarted";
      break;
    case State::kEnded:
      why += " has ended";
      break;
    case State::kNotStartable:
      why += " could not be started";
      break;
    case State::kGivenUp:
      why += " was given up after " + std::to_string(restarts.count()) + " restarts in " +
             std::to_string(policy.period.count()) + " ms";
      break;
  }
  if (!last_failure.empty()) why += "; its last failure: " + last_failure;
  return {StatusCode::kUnavailable, why + "; the request was not executed"};
}

std::string_view Supervised::state_name() const {
  switch (state) {
    case State::kNotStarted:
    case State::kRunning:
      break;
    case State::kWaiting:
      return "restarting";
    case State::kEnded:
      return "ended";
    case State::kNotStartable:
      return "not_startable";
    case State::kGivenUp:
      return "given_up";
  }
  return "not_started";
}

Status Supervision::add(Supervised entry) {
  if (entry.name.empty()) {
    return {StatusCode::kInvalidArgument, "a server or supervised task needs a name"};
  }
  if (entry.policy.period.count() <= 0) {
    return {StatusCode::kInvalidArgument, entry.title() + " has a restart period of " +
                                              std::to_string(entry.policy.period.count()) +
                                              " ms; it must be at least 1 ms"};
  }
  const auto [at, added] = places_.emplace(entry.name, size());
  if (!added) {
    return {StatusCode::kInvalidArgument, "there are two servers or supervised tasks of the name " +
                                              in_quotes(entry.name) + "; rename one"};
  }
  entries_.push_back(std::move(entry));
  return {};
}

std::optional<std::uint32_t> Supervision::place_of(std::string_view name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

const Supervised* Supervision::find(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &entries_[found->second];
}

Supervised* Supervision::find(std::string_view name) {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &entries_[found->second];
}

Status Supervision::not_found(std::string_view node, std::string_view name) const {
  std::string names;
  for (const auto& [its_name, place] : places_)
    names.append(names.empty() ? "; it has: " : ", ").append(its_name);
  return {StatusCode::kNotFound,
          std::string{node} + " has no server or supervised task " + in_quotes(name) + names};
}

}  // namespace kvmesh::tasks
