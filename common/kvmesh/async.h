#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <kvmesh/convert.h>
#include <kvmesh/operation.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

namespace kvmesh {

namespace remote {
class RemoteTask;
}

/// What a call with results of type R returns: Result<R>, or a Status when R is void.
template <typename R>
using Answer = std::conditional_t<std::is_void_v<R>, Status,
                                  Result<std::conditional_t<std::is_void_v<R>, Value, R>>>;

/// A Value as the answer that was asked for. kOutcomeUnknown when it is of another type: the
/// function was executed, and no other code may say so.
template <typename R>
Answer<R> answer_as(std::string_view function, Result<Value> result) {
  if constexpr (std::is_void_v<R>) {
    return result.status();
  } else {
    if (!result) return result.status();
    if constexpr (std::is_same_v<R, Value>) {
      return result;
    } else {
      auto converted = from_value<R>(*result);
      if (converted) return converted;
      return Status{StatusCode::kOutcomeUnknown,
                    std::string{function} + " was executed, but its result is of another type: " +
                        converted.status().text()};
    }
  }
}

/// A task that was started and whose result can be awaited. Its output appears at the starter while
/// it runs, whether it is awaited or not. Movable; thread-safe otherwise. Destroying it before the
/// task's end stops the task, unless it was started by async_nolink(): then the task goes on, and
/// what it still prints is dropped. The same when the Mesh that it came from is destroyed: then it
/// ends as kOutcomeUnknown, or kUnavailable; an await() must not be under way then.
class AsyncTask {
 public:
  AsyncTask(AsyncTask&& other) noexcept = default;
  AsyncTask& operator=(AsyncTask&& other) noexcept;
  ~AsyncTask();

  /// Waits for the end, and returns at once when it has come: the result waits as long as this
  /// handle lives, and may be awaited again. Beside what Mesh::call() ends with: kDeadlineExceeded
  /// when there is no end within `timeout`. The task is then told to stop, and this is its end,
  /// with what its node says of it within 100 ms: whether it had begun, for example. One
  /// that was started by async_nolink() goes on and may be awaited again.
  Result<Value> await(Timeout timeout = {});
  /// Tells the task to stop: its stop token is set, and await() returns kCancelled as soon as the
  /// node says so. Nothing when it has ended already. Does not block.
  void cancel();
  /// True when await() would not wait.
  bool is_done() const;

  const std::string& function() const;

 private:
  friend class Mesh;
  explicit AsyncTask(std::shared_ptr<remote::RemoteTask> task);
  std::shared_ptr<remote::RemoteTask> task_;
};

/// An AsyncTask whose result is an R.
template <typename R>
class Async {
 public:
  Answer<R> await(Timeout timeout = {}) {
    return answer_as<R>(task_.function(), task_.await(timeout));
  }
  void cancel() { task_.cancel(); }
  bool is_done() const { return task_.is_done(); }

 private:
  friend class Mesh;
  explicit Async(AsyncTask task) : task_(std::move(task)) {}
  AsyncTask task_;
};

}  // namespace kvmesh
