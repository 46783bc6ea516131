#pragma once

#include <mutex>
#include <vector>

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/wire/buffer.h"

namespace kvmesh::client {

/// One call on its way from the caller's thread to the client's own.
struct Submission {
  wire::Buffer body;  // target, function and arguments
  Status refused;     // why it must not be sent; OK: it must
  bool trace = false;
  TimePoint made;  // in the future: it is to wait until then
  TimePoint deadline;
  Client::Callback done;
};

/// The way into the client's thread: many threads push, one takes all at once. The eventfd is
/// written only when that thread sleeps, so that busy clients pay no system call for each call.
/// Thread-safe.
class Submissions {
 public:
  /// kInternal when there is no descriptor left.
  Status open();
  Submissions() = default;
  ~Submissions();
  Submissions(const Submissions&) = delete;
  Submissions& operator=(const Submissions&) = delete;

  void push(Submission submission);
  /// All in a row: nobody else's come in between.
  void push(std::vector<Submission> batch);
  /// Ends the loop: take() returns false from now on.
  void stop();

  /// For the one thread that takes: exchanges `out` (emptied) with what was pushed, in its order;
  /// false when it is time to end.
  bool take(std::vector<Submission>& out);
  /// True: nothing is there, and whoever pushes from now on makes fd() readable. Until the next
  /// take().
  bool may_sleep();
  int fd() const { return fd_; }
  /// Makes fd() unreadable again.
  void awake() const;

 private:
  void wake() const;

  int fd_ = -1;
  std::mutex mutex_;
  std::vector<Submission> pushed_;
  bool asleep_ = false;
  bool stopped_ = false;
};

}  // namespace kvmesh::client
