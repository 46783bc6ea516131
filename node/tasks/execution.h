#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/module.h>
#include <kvmesh/output.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>

#include "common/deadline.h"
#include "node/tasks/alarms.h"
#include "node/tasks/events.h"
#include "node/tasks/fiber_pool.h"
#include "node/tasks/runtime.h"

namespace kvmesh::tasks {

/// One body that runs on a fiber, as that fiber and the reactor share it: what the fiber waits for
/// and what the reactor has for it. The reactor owns it until it has seen its Exited, which is the
/// last that the fiber does. Each method is for whom the heading above it says; those for anybody
/// are thread-safe.
class Execution {
 public:
  struct Shared {
    const std::string& node;  // this one's name
    EventQueue& events;
    Alarms& alarms;
  };
  struct Body {
    const TaskFunction* function = nullptr;    // of a task
    const ServerDefinition* server = nullptr;  // of a server
    std::string args;                          // of a task: one msgpack array
    TimePoint deadline = TimePoint::max();
    std::optional<Ticket> traced;  // of a task: the request that is told when it begins
    std::string from;              // of a task: the pid of its asker, for people
    const std::string& name() const { return function != nullptr ? function->name : server->name; }
  };
  Execution(const Shared& shared, ProcessId id, Body body)
      : shared_(shared), id_(id), body_(std::move(body)) {}
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // ---- By anybody.

  ProcessId id() const { return id_; }
  Pid pid() const { return {shared_.node, id_}; }
  const Body& body() const { return body_; }
  const Shared& shared() const { return shared_; }
  bool has_begun() const { return start_.load(std::memory_order_relaxed) == Start::kBegun; }
  bool is_forestalled() const { return start_.load() == Start::kForestalled; }
  /// Its deadline was over before a worker came to it, and nobody has forestalled it.
  bool is_late() const { return start_.load() == Start::kLate; }
  /// Whether what it was delivered last still waits for a worker.
  bool has_delivery() const;
  /// Whether the body waits, for whatever it is, or waited until a moment ago: it has no worker.
  bool is_parked() const { return parked_.load(std::memory_order_relaxed); }
  /// Whether it is to end. From then on nothing waits any more.
  bool is_stopped() const { return stopped_.load(std::memory_order_acquire); }
  std::stop_token stop_token();
  /// Output of others that appears as this one's. `taken`: when all of it fitted the window; never
  /// when the body has ended before.
  void pass_on(std::vector<OutputChunk> chunks, std::function<void()> taken);

  // ---- By the fiber.

  /// False: it was forestalled or is late, and must do nothing but end.
  [[nodiscard]] bool begin();
  /// What crashes from now on is said to be `handler` of this server, which `from` asked for; empty
  /// ones: of none. The texts must outlive the next call.
  void set_handler(std::string_view handler, std::string_view from);
  /// REQUIRES: only the Exited follows, with which all of this may go.
  void end();
  /// FiberPool::park(), which is_parked() tells of.
  void park();
  /// Waits in receive; kNothing when there is no message until then, or when it is stopped.
  Delivery receive(std::optional<TimePoint> until);
  /// Says that a server's delivery is handled, and waits for the next.
  Delivery receive_after(Status status, std::string result, std::optional<Began> call);
  /// Waits while the window is full. Once the task is stopped, what does not fit is dropped.
  void write(Stream stream, std::string_view bytes);
  Status set_timer(std::chrono::milliseconds after, std::string body);

  // ---- By the reactor.

  void deliver(Delivery delivery);
  /// False: the body has taken what was delivered last. True: it never will, and waits as before.
  bool take_back();
  void give_credit(std::size_t bytes);
  void answer_timer(Status status);
  /// Keeps the body from beginning, or takes note that it was late; false when it has begun.
  bool forestall();
  void stop();
  /// The reactor is no more: stop(), and nothing waits for it.
  void abandon();

 private:
  struct Passing {
    std::vector<OutputChunk> chunks;
    std::size_t next = 0;  // chunk
    std::size_t at = 0;    // byte in it
    std::function<void()> taken;
  };

  template <typename T>
  T wait_for(std::optional<T>& place, T abandoned);
  template <typename T>
  void hand_over(std::optional<T>& place, T what);
  Delivery wait_for_delivery();
  void end_waits(bool abandoned);
  std::size_t put(Stream stream, std::string_view bytes);
  std::vector<std::function<void()>> pass_on_waiting();

  const Shared shared_;
  const ProcessId id_;
  const Body body_;
  enum class Start : std::uint8_t { kQueued, kBegun, kLate, kForestalled };
  std::atomic<Start> start_ = Start::kQueued;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> parked_ = false;

  mutable std::mutex mutex_;  // of all below; no wait while it is held
  FiberRef fiber_;
  bool abandoned_ = false;
  std::optional<Delivery> delivered_;
  std::optional<Status> timer_;
  bool wants_credit_ = false;  // the fiber waits for it
  std::size_t credit_ = limits::kTaskOutputBytesMax;
  std::list<Passing> passing_;
  std::stop_source stop_source_{std::nostopstate};  // made when somebody asks for its token
};

}  // namespace kvmesh::tasks
