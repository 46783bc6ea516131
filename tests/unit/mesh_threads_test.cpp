// A Mesh that many threads use, over a port that answers on a thread of its own. Run under
// ThreadSanitizer too.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <kvmesh/mesh.h>

#include "common/remote/port.h"
#include "tests/unit/value_printer.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;

class ConditionWaiter : public remote::Waiter {
 public:
  bool wait_until(TimePoint until) override {
    std::unique_lock lock{mutex_};
    return woken_by_.wait_until(lock, until, [this] { return std::exchange(woken_, false); });
  }
  void wake() override {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    woken_by_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_by_;
  bool woken_ = false;
};

/// A node on a thread: each task prints once and ends with its argument at the third poll; each
/// mailbox gets back what is sent.
class EchoPort : public remote::MeshPort {
 public:
  EchoPort() : thread_([this] { run(); }) {}
  ~EchoPort() override { stop(); }

  void request(Operation operation, std::function<void(Outcome)> done, Timeout) override {
    const std::lock_guard lock{mutex_};
    requests_.push_back({std::move(operation), std::move(done)});
    arrived_.notify_one();
  }
  void request_after(std::chrono::milliseconds, Operation operation,
                     std::function<void(Outcome)> done, Timeout timeout) override {
    request(std::move(operation), std::move(done), timeout);
  }
  std::unique_ptr<remote::Waiter> make_waiter() override {
    return std::make_unique<ConditionWaiter>();
  }
  OutputSink& output() override { return *sink_; }

  void stop() {
    {
      const std::lock_guard lock{mutex_};
      stopped_ = true;
      arrived_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

  std::atomic<int> printed = 0;

 private:
  struct Request {
    Operation operation;
    std::function<void(Outcome)> done;
  };
  struct Run {
    int polls = 0;
    Value result;
  };

  // Ends when it was told to and nothing is asked any more.
  void run() {
    for (;;) {
      Request request;
      {
        std::unique_lock lock{mutex_};
        arrived_.wait(lock, [this] { return stopped_ || !requests_.empty(); });
        if (requests_.empty()) return;
        request = std::move(requests_.front());
        requests_.pop_front();
      }
      Outcome outcome;
      outcome.result = answer(request.operation);
      request.done(std::move(outcome));
    }
  }

  Value answer(const Operation& operation) {
    const auto& args = operation.args;
    if (operation.function == "task.run") {
      tasks_.push_back({0, (*args[1].get_if<Value::List>())[0]});
      return progress(tasks_.size() - 1, true);
    }
    if (operation.function == "task.next") return progress(*args[0].to_uint(), false);
    if (operation.function == "process.open") return Value::List{"gate@h", 1, 2};
    if (operation.function == "process.send") {
      mail_.emplace_back(Value::List{0, args[1], args[2]});
    }
    if (operation.function == "process.receive") return std::exchange(mail_, {});
    return {};
  }

  Value progress(std::uint64_t id, bool prints) {
    auto& task = tasks_[id];
    const bool done = ++task.polls == 3;
    Value::List output;
    if (prints) output.push_back(Value::List{1, Bytes{"."}});
    return Value::List{"foo@h",           id,           5,
                       std::move(output), done ? 1 : 0, done ? task.result : Value{}};
  }

  std::shared_ptr<OutputSink> sink_ = output_to([this](const OutputChunk&) { ++printed; });
  std::deque<Run> tasks_;
  Value::List mail_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Request> requests_;
  bool stopped_ = false;
  std::thread thread_;
};

constexpr int kThreads = 4;
constexpr int kEach = 200;

TEST(MeshThreads, EveryCallerGetsItsOwnResult) {
  EchoPort port;
  {
    Mesh mesh{port};
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&mesh, t] {
        for (int i = 0; i < kEach; ++i) {
          const auto number = t * kEach + i;
          auto task = mesh.async<int>("foo@h", "m.echo", -number);
          const auto called = mesh.call<int>("foo@h", "m.echo", number);
          ASSERT_TRUE(called) << called.status().text();
          EXPECT_EQ(*called, number);
          const auto awaited = task.await(60s);
          ASSERT_TRUE(awaited) << awaited.status().text();
          EXPECT_EQ(*awaited, -number);
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(port.printed, 2 * kThreads * kEach);
}

TEST(MeshThreads, MessagesAreReceivedOnce) {
  EchoPort port;
  std::atomic<int> sum = 0;
  {
    Mesh mesh{port};
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 1; i <= kEach; ++i) {
          ASSERT_TRUE(mesh.send(Pid{"foo@h", 9}, i).ok());
          const auto message = mesh.receive(60s);
          ASSERT_TRUE(message) << message.status().text();
          sum += static_cast<int>(*message->body.get_if<std::int64_t>());
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(mesh.flush().empty());
  }
  EXPECT_EQ(sum, kThreads * kEach * (kEach + 1) / 2);
}

TEST(MeshThreads, TheEndOfAMeshLeavesNobodyInItsPort) {
  for (int round = 0; round < 50; ++round) {
    std::vector<Async<int>> left;
    auto port = std::make_unique<EchoPort>();
    {
      Mesh mesh{*port};
      for (int i = 0; i < 20; ++i) {
        left.push_back(mesh.async<int>("foo@h", "m.echo", i));
        ASSERT_TRUE(mesh.spawn("foo@h", "m.echo", i).ok());
      }
      ASSERT_TRUE(mesh.self().ok());
    }
    port.reset();  // what a callback still does with it, the sanitizers see
    for (auto& task : left) {
      const auto result = task.await(60s);
      if (!result) {
        EXPECT_TRUE(result.status().code() == StatusCode::kOutcomeUnknown ||
                    result.status().code() == StatusCode::kUnavailable)
            << result.status().to_string();
      }
    }
  }
}

}  // namespace
}  // namespace kvmesh
