#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>

#include <kvmesh/mesh.h>
#include <kvmesh/output.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

namespace kvmesh {

/// A task as its own function sees it: a process with a pid and a mailbox, and a Mesh of its own.
/// Given to functions that take Task& first; lives until they return. To be used on the task's own
/// fiber only. Whatever waits (sleep_for(), receive(), call(), await(), print() when nobody reads)
/// gives the thread to other tasks and may go on on another one: keep no lock and no thread_local
/// over it. std::this_thread::sleep_for() keeps the thread. receive() is not for handlers of a
/// server: kInvalidArgument at once.
class Task : public Mesh {
 public:
  /// The task's own pid.
  virtual Pid self() const = 0;

  /// Writes to whoever started the task, in this order, as soon as it is called: print() and err()
  /// a line ('\n' is added) to their stdout and stderr, write() just these bytes to their stdout.
  /// Wait while limits::kTaskOutputBytesMax have not been read. std::cout is the node's own. What
  /// nobody is there to read is dropped.
  void print(std::string_view text);
  void write(std::string_view bytes);
  void err(std::string_view text);

  /// Set when the task is to end: it was cancelled, its time is over, its starter is gone or its
  /// node stops. The caller is answered in time all the same; a task that computes for long should
  /// look now and then.
  virtual std::stop_token stop_token() const = 0;
  /// When its time is over; empty when it has no limit.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const = 0;

  /// Lets `time` pass, and a few milliseconds more; messages that come meanwhile stay in the
  /// mailbox. False as soon as the task is told to stop, as stop_token() says, and at once when it
  /// has been already; true when the time is over. Zero or less: only asks.
  ///
  ///     while (self.sleep_for(1s)) look_again();  // until the task is told to stop
  ///
  /// Also in handlers of a server, but no other call, cast or message of that server is handled
  /// until the handler returns: send_after() to itself is mostly better there.
  bool sleep_for(std::chrono::milliseconds time);

  /// Puts a message with this body into the task's own mailbox once `after` is over, with its own
  /// pid as sender. Timers end with the task. kOverloaded when there are too many.
  virtual Status send_after(std::chrono::milliseconds after, Value body) = 0;

 protected:
  using Mesh::Mesh;

  /// Writes `bytes` as they are; may wait.
  virtual void output(OutputStream stream, std::string_view bytes) = 0;
};

}  // namespace kvmesh
