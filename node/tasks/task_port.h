#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/remote/port.h"
#include "node/tasks/execution.h"

namespace kvmesh::tasks {

/// What the Mesh of a task or server stands on: requests start at this node, waiting parks the
/// fiber, and the mailbox and the output are the process's own. `execution` must outlive it.
/// Thread-safe as MeshPort says.
class TaskPort final : public remote::MeshPort, private remote::Mailbox, private OutputSink {
 public:
  explicit TaskPort(Execution& execution) : execution_(execution) {}

  void request(Operation operation, std::function<void(Outcome)> done, Timeout timeout) override;
  void request_after(std::chrono::milliseconds pause, Operation operation,
                     std::function<void(Outcome)> done, Timeout timeout) override;
  std::unique_ptr<remote::Waiter> make_waiter() override;
  OutputSink& output() override { return *this; }
  remote::Mailbox* mailbox() override { return this; }

  /// A server's messages come to its handlers, so that receive() fails.
  void refuse_receive() { may_receive_ = false; }

 private:
  void ask(TimePoint due, const Operation& operation, std::function<void(Outcome)> done,
           Timeout timeout);
  Result<Pid> self() override { return execution_.pid(); }
  std::optional<Pid> known_self() const override { return execution_.pid(); }
  Result<Message> receive(TimePoint until) override;
  void push(Message message) override;
  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;

  Execution& execution_;
  bool may_receive_ = true;
};

/// A delivery as the user's code sees it. Empty when its body is nothing that a Value can hold.
std::optional<Message> message_of(const Delivery& delivery, const Pid& self);

}  // namespace kvmesh::tasks
