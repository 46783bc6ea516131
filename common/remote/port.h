#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include <kvmesh/message.h>
#include <kvmesh/operation.h>
#include <kvmesh/output.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>

#include "common/deadline.h"

/// What a Mesh stands on: implemented once for the client library and once for tasks on a node.
namespace kvmesh::remote {

/// What one caller waits on: a condition variable in a client, a parked fiber in a task. Like a
/// semaphore of one: a wake() before the wait is not lost, several count once.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// True when it was woken, false when `until` has passed. By the caller that made it only.
  virtual bool wait_until(TimePoint until) = 0;
  /// Any thread, any number of times; also when the caller waits no more. Must not block or call
  /// back: the caller holds a lock.
  virtual void wake() = 0;
};

/// A process' messages, oldest first. Thread-safe.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  /// Its pid; opens the mailbox where that is necessary, or says why it cannot be.
  virtual Result<Pid> self() = 0;
  /// The pid if it is known without asking anybody; never blocks.
  virtual std::optional<Pid> known_self() const = 0;
  /// kDeadlineExceeded when there is none and none comes until then; a time in the past does not
  /// wait.
  virtual Result<Message> receive(TimePoint until) = 0;
  /// Puts in a message that arose here: kDown, kUndelivered, which is dropped when the mailbox is
  /// full; or kNodeUp, kNodeDown, for which earlier ones of that node go then.
  virtual void push(Message message) = 0;
};

/// Thread-safe; request() and output() are also called in callbacks.
class MeshPort {
 public:
  virtual ~MeshPort() = default;

  /// Sends `operation`. `done` is called exactly once, on any thread, and may be called before
  /// request() returns; it does not block. Must not block itself.
  virtual void request(Operation operation, std::function<void(Outcome)> done, Timeout timeout) = 0;
  /// The same after a pause of a few milliseconds or more: `timeout` counts from its end. A port
  /// that ends answers at once.
  virtual void request_after(std::chrono::milliseconds pause, Operation operation,
                             std::function<void(Outcome)> done, Timeout timeout) = 0;
  virtual std::unique_ptr<Waiter> make_waiter() = 0;
  /// Where the output of tasks goes if their starter says nothing else.
  virtual OutputSink& output() = 0;
  /// The mailbox of the process that this port belongs to; null: one is opened at the node
  /// (process.open) when it is needed. The same as long as the port lives; asked for when the Mesh
  /// is made.
  virtual Mailbox* mailbox() { return nullptr; }
  virtual TimePoint now() const;
};

}  // namespace kvmesh::remote
