#include "node/tasks/task_port.h"

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

#include "common/wire/buffer.h"
#include "common/wire/value_codec.h"
#include "node/tasks/alarms.h"
#include "node/tasks/fiber_pool.h"

namespace kvmesh::tasks {
namespace {

// Once the task is stopped it waits no more: what it waited for counts as not come in time.
class FiberWaiter final : public remote::Waiter {
 public:
  explicit FiberWaiter(Execution& execution)
      : execution_(execution), fiber_(FiberPool::current()) {}

  bool wait_until(TimePoint until) override {
    if (take()) return true;
    auto& alarms = execution_.shared().alarms;
    const auto alarm = alarms.set(until, fiber_);
    bool woken = false;
    while (!(woken = take()) && !execution_.is_stopped() &&
           std::chrono::steady_clock::now() < until) {
      execution_.park();
    }
    alarms.cancel(alarm);
    return woken;
  }
  void wake() override {
    woken_.store(true, std::memory_order_release);
    FiberPool::unpark(fiber_);
  }

 private:
  bool take() { return woken_.exchange(false, std::memory_order_acq_rel); }

  Execution& execution_;  // used by the fiber only, as wake() may come when it has ended
  const FiberRef fiber_;
  std::atomic<bool> woken_ = false;
};

Delivery::Kind kind_of(MessageKind kind) { return static_cast<Delivery::Kind>(kind); }

}  // namespace

void TaskPort::request(Operation operation, std::function<void(Outcome)> done, Timeout timeout) {
  ask({}, operation, std::move(done), timeout);
}

void TaskPort::request_after(std::chrono::milliseconds pause, Operation operation,
                             std::function<void(Outcome)> done, Timeout timeout) {
  ask(now() + pause, operation, std::move(done), timeout);
}

void TaskPort::ask(TimePoint due, const Operation& operation, std::function<void(Outcome)> done,
                   Timeout timeout) {
  auto packed = PackedOperation::make(operation, timeout);
  if (!packed) {
    Outcome outcome;
    outcome.status = packed.status();
    return done(std::move(outcome));
  }
  execution_.shared().events.push(
      Asks{std::make_unique<PackedOperation>(*std::move(packed)), std::move(done), due});
}

std::unique_ptr<remote::Waiter> TaskPort::make_waiter() {
  return std::make_unique<FiberWaiter>(execution_);
}

Result<Message> TaskPort::receive(TimePoint until) {
  if (!may_receive_) {
    return Status{StatusCode::kInvalidArgument,
                  "a server cannot receive(); its messages come to the handler that message() set"};
  }
  for (;;) {
    const auto delivery = execution_.receive(until);
    if (delivery.kind == Delivery::Kind::kNothing) break;
    if (auto message = message_of(delivery, execution_.pid())) return *std::move(message);
  }
  if (execution_.is_stopped()) {
    return Status{StatusCode::kCancelled, "the task was told to stop"};
  }
  return Status{StatusCode::kDeadlineExceeded, "no message came"};
}

void TaskPort::push(Message message) {
  wire::Buffer body;
  if (!wire::pack_value(body, message.body).ok()) return;  // a text, always
  auto delivery = std::make_unique<Delivery>();
  delivery->kind = kind_of(message.kind);
  if (!message.sender.empty()) delivery->from = message.sender.to_string();
  delivery->body = body.view();
  delivery->function = std::move(message.seen_by);
  execution_.shared().events.push(Notice{execution_.id(), std::move(delivery)});
}

void TaskPort::write(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  execution_.pass_on(std::move(chunks), std::move(taken));
}

std::optional<Message> message_of(const Delivery& delivery, const Pid& self) {
  auto body = wire::unpack_value(delivery.body);
  if (!body) return std::nullopt;
  Message message{MessageKind::kMessage, {}, *std::move(body)};
  if (delivery.kind == Delivery::Kind::kTimer) {
    message.sender = self;
    return message;
  }
  message.kind = static_cast<MessageKind>(delivery.kind);
  if (delivery.is_node_event()) message.seen_by = delivery.function;
  if (delivery.from.empty()) return message;
  auto sender = Pid::parse(delivery.from);
  if (!sender) return std::nullopt;
  message.sender = *std::move(sender);
  return message;
}

}  // namespace kvmesh::tasks
