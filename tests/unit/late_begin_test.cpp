// On real fibers: what waited for a worker until its time was over does not begin.

#include <atomic>
#include <thread>

#include "host_fixture.h"

namespace kvmesh::tasks {
namespace {

/// One worker, which a task keeps until the test opens the gate.
class TaskRuntimeLate : public HostTest {
 protected:
  struct Counter {
    std::int64_t add(std::int64_t amount) { return total += amount; }
    std::int64_t total = 0;
  };

  TaskRuntimeLate() { settings_.workers = 1; }
  ~TaskRuntimeLate() override {
    open();
    if (host_) host_->close();
    host_.reset();  // no body uses the gate any more
  }

  void run_with_a_busy_worker() {
    Module module{"t"};
    module.define("gate", [this] {
      at_gate_ = true;
      open_.wait(false);
    });
    module.define("note", [this] { noted_ = true; });
    module.server<Counter>("counter").call("add", &Counter::add);
    run(std::move(module));
    ASSERT_EQ(answer(add(0)).status, Status{}) << "it is constructed, and waits";
    start("t.gate", {}, "spawn");
    pass_until([this] { return at_gate_.load(); });
  }
  std::uint64_t add(std::int64_t amount, milliseconds timeout = std::chrono::seconds{60}) {
    return ask("server.call", {"counter", "add", Value::List{amount}, Value{}}, timeout);
  }
  void open() {
    open_ = true;
    open_.notify_all();
  }
  // The worker is free when that time has passed, and before a tick has noticed it.
  void open_after(milliseconds time) {
    while (host_->receive(now())) {
    }
    (void)host_->may_sleep();
    for (const auto over = now() + time; now() <= over;) std::this_thread::yield();
    open();
    for (auto counts = host_->counts(); counts.running + counts.queued > 0;) {
      std::this_thread::yield();
      counts = host_->counts();
    }
  }

  std::atomic<bool> open_ = false, at_gate_ = false, noted_ = false;
};

TEST_F(TaskRuntimeLate, ACallIsAnsweredAtItsTimeWhileTheWorkerIsBusy) {
  run_with_a_busy_worker();
  const auto late = answer(add(1, milliseconds{30}));
  EXPECT_EQ(late.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(late.status.text(), testing::EndsWith("it was not executed"));
  const auto patient = add(10);
  open();
  EXPECT_EQ(answer(patient).result, Value{10});
}

TEST_F(TaskRuntimeLate, AWorkerThatComesTooLateDoesNotExecuteTheCall) {
  run_with_a_busy_worker();
  const auto late = add(1, milliseconds{5});
  open_after(milliseconds{5});
  EXPECT_EQ(answer(late).status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(answer(add(10)).result, Value{10});
}

TEST_F(TaskRuntimeLate, AWorkerThatComesTooLateDoesNotBeginTheTask) {
  run_with_a_busy_worker();
  const auto late = start("t.note", {}, "call", 5);
  open_after(milliseconds{5});
  const auto ended = end(late);
  EXPECT_EQ(ended.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(ended.status.text(), HasSubstr("never began, so nothing was executed: its limit of"));
  EXPECT_FALSE(noted_);
}

}  // namespace
}  // namespace kvmesh::tasks
