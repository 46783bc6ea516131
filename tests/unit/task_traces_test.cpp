// What a trace tells of a call that waits for its turn: that part is queue, and not execution.

#include <atomic>
#include <chrono>

#include "host_fixture.h"

namespace kvmesh::tasks {
namespace {

using std::chrono::microseconds;

class TaskRuntimeTraces : public HostTest {
 public:
  // A body that keeps its worker until the gate is open.
  void wait_at_gate() {
    ++waiting_;
    open_.wait(false);
  }

 protected:
  TaskRuntimeTraces() {
    settings_.workers = 1;
    traced_ = true;
  }
  ~TaskRuntimeTraces() override {
    open();
    if (host_) host_->close();
    host_.reset();  // no body uses the gate any more
  }

  // Opens the gate when a while has passed, and says how long that was at least.
  microseconds open_later() {
    const auto from = now();
    pass_until([&] { return now() - from > milliseconds{20}; });
    const auto passed = std::chrono::duration_cast<microseconds>(now() - from);
    open();
    return passed;
  }
  void open() {
    open_ = true;
    open_.notify_all();
  }
  Hop only_hop(std::uint64_t request) {
    auto outcome = answer(request);
    EXPECT_EQ(outcome.status, Status{});
    EXPECT_EQ(outcome.trace.size(), 1U);
    auto hop = outcome.trace.empty() ? Hop{} : outcome.trace[0];
    EXPECT_EQ(hop.next, hop.node);
    EXPECT_EQ(hop.queued + hop.executed, hop.elapsed);
    return hop;
  }

  std::atomic<bool> open_ = false;
  std::atomic<int> waiting_ = 0;
};

TEST_F(TaskRuntimeTraces, ATaskIsInTheQueueUntilItsBodyBegins) {
  run(Module{"t"}.define("wait", [this] { wait_at_gate(); }).define("nothing", [] {}));
  const auto first = start("t.wait");
  pass_until([&] { return waiting_ == 1; });
  const auto second = start("t.nothing");
  const auto passed = open_later();
  EXPECT_GE(only_hop(first).executed, passed);
  EXPECT_GE(only_hop(second).queued, passed);
}

TEST_F(TaskRuntimeTraces, ATaskThatNeverBeganWasInTheQueueAllTheTime) {
  run(Module{"t"}.define("wait", [this] { wait_at_gate(); }).define("nothing", [] {}));
  (void)start("t.wait");
  pass_until([&] { return waiting_ == 1; });
  const auto hop = only_hop(start("t.nothing"));  // answered at the slice's end
  EXPECT_EQ(hop.executed, microseconds{0});
  EXPECT_EQ(hop.queued, hop.elapsed);
}

TEST_F(TaskRuntimeTraces, ACallOfAServerIsInTheQueueUntilItsTurn) {
  struct Keeper {
    TaskRuntimeTraces& test;
    void wait() { test.wait_at_gate(); }
    void nothing() {}
  };
  Module module{"t"};
  module.server<Keeper>("keeper", [this] { return std::make_shared<Keeper>(Keeper{*this}); })
      .call("wait", &Keeper::wait)
      .call("nothing", &Keeper::nothing);
  run(std::move(module));
  const auto call_it = [this](const char* function) {
    return ask("server.call", {"keeper", function, Value::List{}, Value{}});
  };
  const auto first = call_it("wait");
  pass_until([&] { return waiting_ == 1; });
  const auto second = call_it("nothing");
  const auto passed = open_later();
  EXPECT_GE(only_hop(first).executed, passed);
  EXPECT_GE(only_hop(second).queued, passed);
}

}  // namespace
}  // namespace kvmesh::tasks
