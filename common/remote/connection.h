#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <kvmesh/operation.h>
#include <kvmesh/output.h>

#include "common/remote/port.h"

namespace kvmesh::remote {

class RemoteMailbox;

/// The port of one Mesh, shared with all that it started and that may outlive it: after close() the
/// port is gone for them. Thread-safe.
class Connection {
 public:
  static std::shared_ptr<Connection> make(std::shared_ptr<MeshPort> port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// After it has returned no thread is in the port or enters it. REQUIRES: not in a callback.
  void close();
  bool is_closed() const;

  /// MeshPort::request(); once closed `done` gets kUnavailable.
  void request(Operation operation, std::function<void(Outcome)> done, Timeout timeout);
  /// MeshPort::request_after(), likewise.
  void request_after(std::chrono::milliseconds pause, Operation operation,
                     std::function<void(Outcome)> done, Timeout timeout);
  /// Writes to `sink`, or to the port's own when that is null. Once closed the output is dropped.
  void write(OutputSink* sink, std::vector<OutputChunk> chunks, std::function<void()> taken);
  /// Null once closed.
  std::shared_ptr<Waiter> make_waiter();
  /// Puts a message into this program's or task's own mailbox; dropped once closed.
  void push(Message message);
  /// The beginning of time once closed.
  TimePoint now();

  // REQUIRES: not closed.
  Mailbox& mailbox();

 private:
  class Visit;  // in the port, which close() waits for
  static void refuse(const std::function<void(Outcome)>& done);

  explicit Connection(std::shared_ptr<MeshPort> port) : port_(std::move(port)) {}

  std::shared_ptr<MeshPort> port_;              // null once closed
  std::shared_ptr<RemoteMailbox> own_mailbox_;  // null when the port has one
  std::atomic<std::uint32_t> visits_{0};        // those who are in, and a bit that says closed
};

/// How long a request may take that the node keeps for a slice before it answers.
Timeout poll_timeout();

}  // namespace kvmesh::remote
