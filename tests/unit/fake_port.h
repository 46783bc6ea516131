#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/mesh.h>

#include "common/remote/port.h"
#include "common/remote/requests.h"
#include "tests/unit/value_printer.h"

namespace kvmesh::remote {

/// What was written, and a hand on when it counts as taken.
class FakeSink : public OutputSink {
 public:
  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override {
    EXPECT_EQ(untaken, nullptr) << "two writes of one task at a time";
    ++writes;
    for (auto& chunk : chunks) {
      text += (chunk.stream == OutputStream::kErr ? "2:" : "1:") + chunk.bytes + " ";
    }
    if (is_slow) {
      untaken = std::move(taken);
    } else {
      taken();
    }
  }
  void take() { std::exchange(untaken, nullptr)(); }

  bool is_slow = false;
  int writes = 0;
  std::string text;  // "1:out 2:err "
  std::function<void()> untaken;
};

/// A node that the test plays. Requests wait in `pending` until the test answers them. Whoever
/// waits runs the test's steps, one after the other, until one wakes it; without steps its time is
/// over.
class FakePort : public MeshPort {
 public:
  struct Pending {
    Operation operation;
    std::function<void(Outcome)> done;
    Timeout timeout;
    std::chrono::milliseconds pause{0};
  };

  void request(Operation operation, std::function<void(Outcome)> done, Timeout timeout) override {
    if (on_request) on_request(operation);
    pending.push_back({std::move(operation), std::move(done), timeout});
  }
  void request_after(std::chrono::milliseconds pause, Operation operation,
                     std::function<void(Outcome)> done, Timeout timeout) override {
    pending.push_back({std::move(operation), std::move(done), timeout, pause});
  }
  std::unique_ptr<Waiter> make_waiter() override { return std::make_unique<StepWaiter>(*this); }
  OutputSink& output() override { return sink; }
  TimePoint now() const override { return time; }

  /// What happens next while somebody waits.
  void then(std::function<void()> step) { steps.push_back(std::move(step)); }

  /// Whether exactly these functions wait for their answers, in this order: "task.run task.next".
  std::string asked() const {
    std::string out;
    for (const auto& request : pending)
      out += (out.empty() ? "" : " ") + request.operation.function;
    return out;
  }
  /// The oldest request for `function`, which is then no longer pending.
  Pending take(std::string_view function) {
    for (auto at = pending.begin(); at != pending.end(); ++at) {
      if (at->operation.function != function) continue;
      auto found = std::move(*at);
      pending.erase(at);
      return found;
    }
    ADD_FAILURE() << "nobody asked for " << function << " but for " << asked();
    return {{}, [](const Outcome&) {}, {}};
  }
  void answer(std::string_view function, Value result) {
    Outcome outcome;
    outcome.result = std::move(result);
    take(function).done(std::move(outcome));
  }
  void fail(std::string_view function, StatusCode code, std::string text) {
    Outcome outcome;
    outcome.status = {code, std::move(text)};
    take(function).done(std::move(outcome));
  }

  FakeSink sink;
  std::deque<Pending> pending;
  std::deque<std::function<void()>> steps;
  std::function<void(const Operation&)> on_request;
  TimePoint time = TimePoint{} + std::chrono::hours{1};  // it passes only where a step says so
  std::vector<TimePoint> waits;                          // until when somebody waited

 private:
  class StepWaiter : public Waiter {
   public:
    explicit StepWaiter(FakePort& port) : port_(port) {}
    bool wait_until(TimePoint until) override {
      port_.waits.push_back(until);
      while (!woken_ && !port_.steps.empty()) {
        const auto step = std::move(port_.steps.front());
        port_.steps.pop_front();
        step();
      }
      return std::exchange(woken_, false);
    }
    void wake() override { woken_ = true; }

   private:
    FakePort& port_;
    bool woken_ = false;
  };
};

inline Value chunk(int stream, std::string bytes) {
  return Value::List{stream, Bytes{std::move(bytes)}};
}
/// What task.run and task.next answer about the task <foo@h/7>.
inline Value running(Value::List output = {}) {
  return Value::List{"foo@h", 7, 99, std::move(output), 0, Value{}};
}
inline Value ended(Value result, Value::List output = {}) {
  return Value::List{"foo@h", 7, 99, std::move(output), 1, std::move(result)};
}
inline const Pid kTaskPid{"foo@h", 7};

}  // namespace kvmesh::remote
