#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/operation_codec.h"
#include "node/core/core.h"
#include "node/modules/task_modules.h"
#include "node/tasks/host.h"

namespace kvmesh::tasks {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A node without sockets: a real core, real processes and real fibers, and a loop that the test's
/// own thread runs while it waits for an answer. Requests are made as a client would make them.
class HostTest : public testing::Test, protected core::Effects {
 protected:
  HostTest() { settings_.workers = 2; }
  ~HostTest() override {
    if (host_) host_->close();
  }

  /// Starts the node with this module. `settings_` may be changed before.
  void run(Module module) {
    host_ = std::make_unique<Host>(
        Host::Options{self_, settings_, std::chrono::microseconds{50},
                      [this](const std::string& line) { reports_.push_back(line); }, peers_});
    ASSERT_EQ(host_->load(std::move(module)), Status{});
    modules::define_task(functions_, *host_);
    modules::define_process(functions_, *host_);
    modules::define_server(functions_, *host_);
    if (watch_) {
      functions_.define("node.watch", watch_);
    } else {
      modules::define_watch(functions_, *host_);
    }
    core_ = std::make_unique<core::Core>(self_, std::vector<NodeName>{}, functions_,
                                         static_cast<core::Effects&>(*this), now());
    host_->attach(*core_, kTasks, [this] { wake(); });
    host_->start(now());
  }

  static TimePoint now() { return std::chrono::steady_clock::now(); }

  /// Makes a request; answer() gives what it ends with.
  std::uint64_t ask(const std::string& function, Value::List args,
                    milliseconds timeout = std::chrono::seconds{60}) {
    const auto packed = PackedOperation::make(
        {Operation::For::kHere, {}, function, std::move(args), traced_}, timeout);
    auto request = packed->view();
    request.id = {++last_};
    core_->on_request({kClient, 0, request.id}, request, now());
    return last_;
  }
  /// Runs the node until the request is answered.
  Outcome answer(std::uint64_t request) {
    while (!answers_.contains(request)) pass();
    return std::move(answers_.extract(request).mapped());
  }
  Outcome call(const std::string& function, Value::List args) {
    return answer(ask(function, std::move(args)));
  }
  std::uint64_t start(const std::string& function, Value::List args = {},
                      const std::string& mode = "call", std::int64_t limit_ms = 0) {
    return ask("task.run", {function, std::move(args), mode, limit_ms, Value{}});
  }

  struct Ended {
    Status status;
    Value result;
    std::string out;
    std::string err;
  };
  /// Follows a task from its task.run on to its end.
  Ended end(std::uint64_t request) {
    Ended ended;
    while (follow(request, ended)) {
    }
    return ended;
  }
  /// The same for many, of which each is asked for in time, however long the others take.
  std::vector<Ended> end_all(std::vector<std::uint64_t> requests) {
    std::vector<Ended> ended(requests.size());
    std::size_t left = requests.size();
    while (left > 0) {
      pass();
      for (std::size_t i = 0; i < requests.size(); ++i) {
        if (!answers_.contains(requests[i])) continue;
        if (!follow(requests[i], ended[i])) --left;
      }
    }
    return ended;
  }
  Ended run_task(const std::string& function, Value::List args = {}) {
    return end(start(function, std::move(args)));
  }

  /// Runs the node until `there` says so.
  template <typename There>
  void pass_until(There&& there) {
    while (!there()) pass();
  }

  void pass() {
    if (host_->may_sleep()) {
      std::unique_lock lock{mutex_};
      woken_.wait_for(lock, milliseconds{5}, [this] { return wakes_; });
      wakes_ = false;
    }
    const auto time = now();
    host_->tick(time);
    core_->on_tick(time);
    while (host_->receive(time)) {
    }
  }

  Settings::Tasks settings_;
  bool traced_ = false;                     // what is asked from now on
  std::vector<NodeName> peers_;             // of which the test says when they are up
  std::function<void(core::Call&)> watch_;  // what answers node.watch; empty: the host
  std::vector<std::string> reports_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<Host> host_;  // before the core: its bodies use that

 private:
  enum : std::uint32_t { kClient, kTasks };

  /// Takes the answer to `request` to what is known of its task; false when that has ended, else
  /// `request` is the next.
  bool follow(std::uint64_t& request, Ended& ended) {
    auto outcome = answer(request);
    ended.status = outcome.status;
    if (!outcome.status.ok()) return false;
    auto& progress = *outcome.result.get_if<Value::List>();
    for (const auto& chunk : *progress[3].get_if<Value::List>()) {
      const auto& parts = *chunk.get_if<Value::List>();
      (parts[0] == Value{1} ? ended.out : ended.err) += *parts[1].bytes_or_text();
    }
    if (progress[4] == Value{1}) {
      ended.result = progress[5];
      return false;
    }
    request = ask("task.next", {progress[1], progress[2]});
    return true;
  }

  void wake() {
    {
      const std::lock_guard lock{mutex_};
      wakes_ = true;
    }
    woken_.notify_one();
  }
  void forward(PeerIndex, const RequestView&, RequestId, TimePoint,
               const wire::PathStep&) override {
    ADD_FAILURE() << "there is no peer";
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    if (origin.adapter == kTasks) return host_->reply(origin, reply);
    if (!answers_.emplace(origin.request.value, outcome_of(reply)).second) {
      ADD_FAILURE() << "request " << origin.request.value << " was answered twice";
    }
  }
  TimePoint clock() override { return now(); }

  const NodeName self_ = *NodeName::parse("foo@localhost");
  core::FunctionRegistry functions_;
  std::map<std::uint64_t, Outcome> answers_;
  std::uint64_t last_ = 0;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wakes_ = false;
};

}  // namespace kvmesh::tasks
