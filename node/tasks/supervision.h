#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <kvmesh/server.h>
#include <kvmesh/status.h>

#include "common/deadline.h"
#include "node/tasks/runtime.h"

namespace kvmesh::tasks {

/// Counts restarts against a policy. Not thread-safe.
class RestartCounter {
 public:
  explicit RestartCounter(const RestartPolicy& policy) : policy_(policy) {}
  /// Whether one more restart is allowed now; counts it then.
  bool allow(TimePoint now);
  /// Begins anew: as if there had been none.
  void forget() { restarts_.clear(); }
  /// Restarts in the period before the last call of allow().
  std::size_t count() const { return restarts_.size(); }
  /// The same before `now`.
  std::size_t count(TimePoint now) const;

 private:
  RestartPolicy policy_;
  std::deque<TimePoint> restarts_;
};

/// A named process that is kept running: a server, or a task that is to run always.
struct Supervised {
  struct Task {
    FunctionIndex function;
    std::string function_name;
    std::string args;
  };
  enum class State : std::uint8_t {
    kNotStarted,
    kRunning,
    kWaiting,  // for room in the pool; tried again at `retry_at`
    kEnded,    // transient, without an error; or the node stops
    kGivenUp,
    kNotStartable,  // the runtime refuses it
  };

  Supervised(std::string its_name, std::variant<ServerIndex, Task> its_what,
             RestartPolicy its_policy)
      : name(std::move(its_name)),
        what(std::move(its_what)),
        policy(its_policy),
        restarts(its_policy) {}

  bool is_server() const { return std::holds_alternative<ServerIndex>(what); }
  /// "server counter" or "task ticker".
  std::string title() const { return (is_server() ? "server " : "task ") + name; }
  /// What a caller from outside must be allowed to call before it may act on it.
  std::string right() const;
  static std::string right_to_server(std::string_view name) { return std::string{name} + ".*"; }
  /// kUnavailable, with why it takes nothing. REQUIRES: state is not kRunning.
  Status unavailable() const;

  std::string name;
  std::variant<ServerIndex, Task> what;
  RestartPolicy policy;
  RestartCounter restarts;
  State state = State::kNotStarted;
  ProcessId id = 0;  // while it runs
  TimePoint retry_at;
  TimePoint since;           // when it came to that state
  std::uint64_t starts = 0;  // since the node's start
  std::string last_failure;
  bool restart_asked = false;  // its end is that of a restart by request

  /// "given_up"; for listings. REQUIRES: state is not kRunning.
  std::string_view state_name() const;
  /// Of its restarts those that count towards giving it up; of one that is given up, that did.
  std::size_t counted(TimePoint now) const {
    return state == State::kGivenUp ? restarts.count() : restarts.count(now);
  }
  /// How often it was started anew since the node's start, by request too.
  std::uint64_t restarted() const { return starts > 0 ? starts - 1 : 0; }
};

/// The named processes of a node. Filled before the node runs. Not thread-safe.
class Supervision {
 public:
  /// kInvalidArgument when the name is empty or taken, or the policy's period is not positive.
  Status add(Supervised entry);
  /// Null when there is none of this name.
  Supervised* find(std::string_view name);
  const Supervised* find(std::string_view name) const;
  std::optional<std::uint32_t> place_of(std::string_view name) const;
  Supervised& at(std::uint32_t place) { return entries_[place]; }
  const Supervised& at(std::uint32_t place) const { return entries_[place]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  /// kNotFound: names those that there are.
  Status not_found(std::string_view node, std::string_view name) const;

 private:
  std::vector<Supervised> entries_;
  std::map<std::string, std::uint32_t, std::less<>> places_;
};

}  // namespace kvmesh::tasks
