#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/transport/resolver.h"

namespace kvmesh::test {

/// A name server that answers what the test says, when the test says.
class ScriptedNames {
 public:
  ScriptedNames() : resolver_(look_up()) {}
  ~ScriptedNames() { let_go(); }
  ScriptedNames(const ScriptedNames&) = delete;
  ScriptedNames& operator=(const ScriptedNames&) = delete;

  transport::Resolver& resolver() { return resolver_; }
  /// Every name has these addresses from now on.
  void set(std::vector<std::string> addresses) {
    const std::scoped_lock lock{state_->mutex};
    state_->answer = std::move(addresses);
  }
  void fail(std::string why) {
    const std::scoped_lock lock{state_->mutex};
    state_->answer = Status{StatusCode::kUnavailable, std::move(why)};
  }
  /// No answers until let_go().
  void hold() {
    const std::scoped_lock lock{state_->mutex};
    state_->held = true;
  }
  void let_go() {
    const std::scoped_lock lock{state_->mutex};
    state_->held = false;
    state_->changed.notify_all();
  }
  int asked() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->asked;
  }

  transport::Resolver::LookUp look_up() const {
    return [state = state_](const std::string& /*host*/) {
      std::unique_lock lock{state->mutex};
      ++state->asked;
      state->changed.wait(lock, [&] { return !state->held; });
      return state->answer;
    };
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    Result<std::vector<std::string>> answer = std::vector<std::string>{"127.0.0.1"};
    bool held = false;
    int asked = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // with the look-ups' threads
  transport::Resolver resolver_;
};

}  // namespace kvmesh::test
