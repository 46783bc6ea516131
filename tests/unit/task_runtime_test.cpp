#include <atomic>
#include <stdexcept>
#include <thread>

#include "host_fixture.h"

namespace kvmesh::tasks {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::int64_t add(std::int64_t a, std::int64_t b) { return a + b; }

class TaskRuntime : public HostTest {};

TEST_F(TaskRuntime, ReturnsAResult) {
  run(Module{"t"}.define("add", add));
  const auto ended = run_task("t.add", {1, 2});
  EXPECT_EQ(ended.status, Status{});
  EXPECT_EQ(ended.result, Value{3});
}

TEST_F(TaskRuntime, AnExceptionIsAFailureWithItsText) {
  run(Module{"t"}
          .define("fail", [](const std::string& text) { throw std::runtime_error(text); })
          .define("oddly", [] { throw 7; }));
  EXPECT_EQ(run_task("t.fail", {"oh no"}).status, Status(StatusCode::kTaskFailed, "oh no"));
  EXPECT_EQ(run_task("t.oddly").status.code(), StatusCode::kTaskFailed);
}

// Whoever does not look at the result of a call harms itself, and nobody else of the node.
TEST_F(TaskRuntime, AResultThatIsNotThereEndsItsTaskOnly) {
  run(Module{"t"}
          .define("fail",
                  []() -> Result<int> {
                    return Status{StatusCode::kNotFound, "no bucket"};
                  })
          .define("trust", [](Task& self) { return *self.call<int>("", "t.fail"); })
          .define("forget", []() -> Result<int> { return Status{}; }));
  EXPECT_EQ(
      run_task("t.trust").status,
      Status(StatusCode::kTaskFailed, "a result that is not there was used: not_found: no bucket"));
  EXPECT_EQ(run_task("t.forget").status.code(), StatusCode::kTaskFailed);
  EXPECT_EQ(run_task("t.fail").status, Status(StatusCode::kNotFound, "no bucket"));
}

TEST_F(TaskRuntime, WrongArgumentsAreToldBeforeTheBodyBegins) {
  run(Module{"t"}.define("add", add));
  EXPECT_EQ(run_task("t.add", {1}).status,
            Status(StatusCode::kInvalidArgument, "t.add takes 2 arguments (int, int), got 1"));
  EXPECT_EQ(run_task("t.ad", {1}).status.code(), StatusCode::kUndefinedFunction);
}

TEST_F(TaskRuntime, OutputKeepsItsOrderAndIsThereBeforeTheEnd) {
  run(Module{"t"}.define("print", [](Task& self) {
    self.print("one");
    self.write("tw");
    self.write("o\n");
    self.err("three");
  }));
  const auto ended = run_task("t.print");
  EXPECT_EQ(ended.out, "one\ntwo\n");
  EXPECT_EQ(ended.err, "three\n");
}

TEST_F(TaskRuntime, PrintWaitsForItsReader) {
  std::atomic<std::size_t> printed = 0;
  run(Module{"t"}.define("flood", [&](Task& self) {
    for (int i = 0; i < 1000; ++i) {
      self.write(std::string(1000, 'x'));
      ++printed;
    }
  }));
  const auto begun = answer(start("t.flood", {}, "nolink"));
  const auto& task = *begun.result.get_if<Value::List>();
  // Kept alive without being read: the window fills, and no more.
  const auto window = [&] {
    ask("task.next", {task[1], task[2], false});
    const auto list = call("task.list", {});
    return (*list.result.get_if<Value::List>())[0].find("output")->to_uint();
  };
  pass_until([&] { return window() == limits::kTaskOutputBytesMax; });
  EXPECT_LT(printed, 1000U);
  const auto ended = end(ask("task.next", {task[1], task[2]}));
  EXPECT_EQ(ended.status, Status{});
  std::size_t first = 0;
  for (const auto& chunk : *task[3].get_if<Value::List>()) {
    first += (*chunk.get_if<Value::List>())[1].bytes_or_text()->size();
  }
  EXPECT_EQ(first + ended.out.size(), 1000000U);
}

TEST_F(TaskRuntime, ReceivesMessagesInOrder) {
  run(Module{"t"}.define("collect", [](Task& self, std::int64_t count) {
    std::vector<Value> bodies;
    while (bodies.size() < static_cast<std::size_t>(count)) {
      const auto message = self.receive(hours{1});
      if (!message) break;
      bodies.push_back(message->body);
    }
    return bodies;
  }));
  const auto begun = answer(start("t.collect", {3}, "spawn"));
  const auto& task = *begun.result.get_if<Value::List>();
  const auto ended = ask("task.next", {task[1], task[2]});
  for (const int i : {1, 2, 3})
    EXPECT_EQ(call("process.send", {task[1], Value{}, i}).status, Status{});
  EXPECT_EQ(end(ended).result, (Value{Value::List{1, 2, 3}}));
}

TEST_F(TaskRuntime, ReceiveEndsAtItsTimeAndAtAStop) {
  run(Module{"t"}
          .define("brief", [](Task& self) { return self.receive(milliseconds{20}).status(); })
          .define("none", [](Task& self) { return self.try_receive().has_value(); })
          .define("long", [](Task& self) { return self.receive(hours{1}).status(); }));
  EXPECT_EQ(run_task("t.brief").status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(run_task("t.none").result, Value{false});
  const auto begun = answer(start("t.long", {}, "spawn"));
  const auto& task = *begun.result.get_if<Value::List>();
  const auto next = ask("task.next", {task[1], task[2]});
  EXPECT_EQ(call("task.cancel", {task[1]}).status, Status{});
  EXPECT_EQ(answer(next).status.code(), StatusCode::kCancelled);
}

TEST_F(TaskRuntime, ASleepEndsAtItsTimeWhateverMessagesCome) {
  run(Module{"t"}.define("sleep", [](Task& self) {
    if (auto status = self.send_after(milliseconds{0}, "early"); !status.ok()) return status;
    const auto end = std::chrono::steady_clock::now() + milliseconds{50};
    if (!self.sleep_for(milliseconds{50})) return Status{StatusCode::kTaskFailed, "told to stop"};
    if (std::chrono::steady_clock::now() < end) return Status{StatusCode::kTaskFailed, "too soon"};
    return self.receive().status();  // it is still there
  }));
  EXPECT_EQ(run_task("t.sleep").status, Status{});
}

TEST_F(TaskRuntime, ASleepEndsAtAStopAlsoInAServer) {
  std::atomic<int> asleep = 0;
  std::atomic<int> stopped = 0;
  struct Sleeper {};
  const auto sleep = [&](Task& self) {
    ++asleep;
    if (!self.sleep_for(milliseconds::max()) && !self.sleep_for(milliseconds{0})) ++stopped;
  };
  Module module{"t"};
  module.define("sleep", sleep);
  module.server<Sleeper>("sleeper").started([sleep](Sleeper&, Task& self) { sleep(self); });
  run(std::move(module));
  const auto task = start("t.sleep", {}, "call", 10000);
  pass_until([&] { return asleep == 2; });
  host_->stop(now());
  EXPECT_EQ(answer(task).status.code(), StatusCode::kCancelled);
  pass_until([&] { return stopped == 2; });
}

TEST_F(TaskRuntime, AStopTokenIsSetWheneverItIsAskedFor) {
  std::atomic<int> stops = 0;
  std::atomic<bool> waits = false;
  run(Module{"t"}.define("look", [&](Task& self) {
    const auto token = self.stop_token();
    const std::stop_callback callback{token, [&] { ++stops; }};
    waits = true;
    while (!token.stop_requested()) (void)self.receive(hours{1});
    if (self.stop_token().stop_requested()) ++stops;
  }));
  const auto task = start("t.look", {}, "call", 10000);
  pass_until([&] { return waits.load(); });
  host_->stop(now());
  EXPECT_EQ(answer(task).status.code(), StatusCode::kCancelled);
  EXPECT_EQ(stops, 2);
}

TEST_F(TaskRuntime, ATaskCallsAnotherAndItsOutputPassesThrough) {
  run(Module{"t"}
          .define("inner",
                  [](Task& self, std::int64_t number) {
                    self.print("inner " + std::to_string(number));
                    return number * 2;
                  })
          .define("outer", [](Task& self) {
            self.print("before");
            auto doubled = self.call<std::int64_t>("", "t.inner", 21);
            self.print("after");
            return doubled;
          }));
  const auto ended = run_task("t.outer");
  EXPECT_EQ(ended.result, Value{42});
  EXPECT_EQ(ended.out, "before\ninner 21\nafter\n");
}

TEST_F(TaskRuntime, ManyAwaitMany) {
  run(Module{"t"}.define("add", add).define("sum", [](Task& self, std::int64_t count) {
    std::vector<Async<std::int64_t>> parts;
    for (std::int64_t i = 0; i < count; ++i) {
      parts.push_back(self.async<std::int64_t>("", "t.add", i, std::int64_t{1}));
    }
    std::int64_t sum = 0;
    for (auto& part : parts) sum += part.await().value();
    return sum;
  }));
  std::vector<std::uint64_t> sums;
  sums.reserve(20);
  for (int i = 0; i < 20; ++i) sums.push_back(start("t.sum", {50}));
  for (const auto& ended : end_all(sums)) EXPECT_EQ(ended.result, Value{50 * 49 / 2 + 50});
}

TEST_F(TaskRuntime, ACallThatIsStoppedEnds) {
  run(Module{"t"}
          .define("wait", [](Task& self) { (void)self.receive(hours{1}); })
          .define("call", [](Task& self) {
            self.print("begun");
            return self.call({.timeout = hours{1}}, "", "t.wait").status();
          }));
  const auto begun = answer(start("t.call"));
  const auto& task = *begun.result.get_if<Value::List>();
  const auto next = ask("task.next", {task[1], task[2]});
  EXPECT_EQ(call("task.cancel", {task[1]}).status, Status{});
  EXPECT_EQ(answer(next).status.code(), StatusCode::kCancelled);
  pass_until([&] { return host_->is_idle(); });  // the one that was called is told to stop as well
}

TEST_F(TaskRuntime, WhatATaskLeavesBehindIsNotTouched) {
  run(Module{"t"}
          .define("wait", [](Task& self) { (void)self.receive(hours{1}); })
          .define("leave", [](Task& self) {
            for (int i = 0; i < 10; ++i) {
              (void)self.spawn_link("", "t.wait");
              const auto dropped = self.async("", "t.wait");
              (void)self.monitor(self.self());
              (void)self.send(self.self(), i);
            }
          }));
  std::vector<std::uint64_t> all;
  all.reserve(50);
  for (int i = 0; i < 50; ++i) all.push_back(start("t.leave"));
  for (const auto& ended : end_all(all)) EXPECT_EQ(ended.status, Status{});
  host_->stop(now());
  pass_until([&] { return host_->is_idle(); });
}

TEST_F(TaskRuntime, TimersComeAsMessagesFromItself) {
  run(Module{"t"}.define("remind", [](Task& self) {
    (void)self.send_after(milliseconds{10}, "now");
    const auto message = self.receive(hours{1});
    return message && message->sender == self.self() && message->body == Value{"now"};
  }));
  EXPECT_EQ(run_task("t.remind").result, Value{true});
}

// Its task keeps a worker until `goes_on`.
Module blocking_module(const std::atomic<bool>& goes_on, std::atomic<int>& executed) {
  return Module{"t"}.define("block", [&] {
    ++executed;
    while (!goes_on) std::this_thread::yield();
  });
}

TEST_F(TaskRuntime, TooManyTasksAreRefusedAndNotExecuted) {
  settings_.workers = 1;
  settings_.queue_max = 2;
  std::atomic<bool> goes_on = false;
  std::atomic<int> executed = 0;
  run(blocking_module(goes_on, executed));
  const auto first = start("t.block");
  pass_until([&] { return executed == 1; });
  const auto second = start("t.block");
  const auto third = start("t.block");
  EXPECT_EQ(answer(start("t.block")).status.code(), StatusCode::kOverloaded);
  goes_on = true;
  for (const auto task : {first, second, third}) EXPECT_EQ(end(task).status, Status{});
  EXPECT_EQ(executed, 3);
}

TEST_F(TaskRuntime, ATaskThatWasStoppedBeforeItBeganIsNotExecuted) {
  settings_.workers = 1;
  std::atomic<bool> goes_on = false;
  std::atomic<int> executed = 0;
  run(blocking_module(goes_on, executed));
  const auto first = start("t.block");
  pass_until([&] { return executed == 1; });
  const auto spawned = answer(start("t.block", {}, "spawn"));
  const auto& queued = *spawned.result.get_if<Value::List>();
  const auto next = ask("task.next", {queued[1], queued[2]});
  EXPECT_EQ(call("task.cancel", {queued[1]}).status, Status{});
  const auto told = answer(next).status;  // at once: nobody waits for the worker
  EXPECT_EQ(told.code(), StatusCode::kCancelled);
  EXPECT_THAT(
      told.text(),
      HasSubstr("for a free worker (1 of 1 busy) and never began, so nothing was executed"));
  goes_on = true;
  EXPECT_EQ(end(first).status, Status{});
  pass_until([&] { return host_->is_idle(); });
  EXPECT_EQ(executed, 1);
}

TEST_F(TaskRuntime, WhatDoesNotEndIsNamed) {
  std::atomic<bool> begun = false;
  std::atomic<bool> goes_on = false;
  run(Module{"t"}.define("block", [&] {
    begun = true;
    while (!goes_on) std::this_thread::yield();
  }));
  start("t.block");
  pass_until([&] { return begun.load(); });
  host_->stop(now());
  EXPECT_THAT(host_->close(), ElementsAre(StartsWith("t.block <foo@localhost/")));
  goes_on = true;
  host_.reset();
}

// The reactor is gone: whatever they wait for, they end.
TEST_F(TaskRuntime, NothingWaitsBehindTheEnd) {
  run(Module{"t"}
          .define("receive", [](Task& self) { (void)self.receive(hours{1}); })
          .define("call",
                  [](Task& self) { (void)self.call({.timeout = hours{1}}, "", "t.receive"); })
          .define("print", [](Task& self) {
            for (;;) {
              self.write(std::string(100000, 'x'));
              if (self.stop_token().stop_requested()) return;
            }
          }));
  for (const char* function : {"t.receive", "t.call", "t.print"}) start(function, {}, "nolink");
  pass_until([&] { return host_->counts().waiting == 4; });
  while (!host_->close().empty()) {
  }
}

class Counter {
 public:
  std::int64_t add(std::int64_t amount) { return total_ += amount; }
  void fail() { throw std::runtime_error("broken"); }

 private:
  std::int64_t total_ = 0;
};

TEST_F(TaskRuntime, AServerKeepsItsStateAndIsRestartedWithAFreshOne) {
  Module module{"t"};
  module.server<Counter>("counter").call("add", &Counter::add).call("fail", &Counter::fail);
  run(std::move(module));
  const auto server_call = [&](const char* function, Value::List args) {
    return call("server.call", {"counter", function, std::move(args), Value{}});
  };
  EXPECT_EQ(server_call("add", {2}).result, Value{2});
  EXPECT_EQ(server_call("add", {3}).result, Value{5});
  EXPECT_EQ(server_call("fail", {}).status, Status(StatusCode::kTaskFailed, "broken"));
  EXPECT_EQ(server_call("add", {1}).result, Value{1});
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("is restarted, 1 of 3 times")));
}

TEST_F(TaskRuntime, AServerIsStoppedInTheMiddleOfItsLife) {
  Module module{"t"};
  module.server<Counter>("counter").call("add", &Counter::add);
  run(std::move(module));
  EXPECT_EQ(call("server.call", {"counter", "add", Value::List{1}, Value{}}).result, Value{1});
  host_->stop(now());
  pass_until([&] { return host_->is_idle(); });
  EXPECT_EQ(call("server.call", {"counter", "add", Value::List{1}, Value{}}).status.code(),
            StatusCode::kUnavailable);
}

TEST_F(TaskRuntime, ManyTasksOfWhichATenthThrow) {
  run(Module{"t"}.define("maybe", [](std::int64_t number) {
    if (number % 10 == 0) throw std::runtime_error(std::to_string(number));
    return number;
  }));
  std::vector<std::uint64_t> all;
  for (std::int64_t i = 0; i < 5000; ++i) all.push_back(start("t.maybe", {i}));
  std::int64_t number = 0;
  for (const auto& ended : end_all(all)) {
    if (number % 10 == 0) {
      EXPECT_EQ(ended.status, Status(StatusCode::kTaskFailed, std::to_string(number)));
    } else {
      EXPECT_EQ(ended.result, Value{number});
    }
    ++number;
  }
  EXPECT_TRUE(host_->is_idle());
}

TEST_F(TaskRuntime, PermanentTasksRunFromTheStart) {
  std::atomic<int> begun = 0;
  Module module{"t"};
  module.define("watch", [&](Task& self, const std::string&) {
    ++begun;
    (void)self.receive(hours{1});
  });
  module.keep_running("watch", {}, "a").keep_running("watch", {}, "b");
  run(std::move(module));
  pass_until([&] { return begun == 2; });
  EXPECT_EQ(call("process.send", {"t.watch 2", Value{}, 1}).status, Status{});
  pass_until([&] { return begun == 3; });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("task t.watch 2 <foo@localhost/")));
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("> ended (normal) and is restarted, 1 of 3 times")));
}

}  // namespace
}  // namespace kvmesh::tasks
