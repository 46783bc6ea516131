#include <kvmesh/async.h>

#include <chrono>

#include "common/operation_codec.h"
#include "common/remote/remote_task.h"

namespace kvmesh {
namespace {

using remote::Mode;

// For the answer of a node that was told to stop a task.
constexpr std::chrono::milliseconds kStopGrace{100};

void let_go(remote::RemoteTask* task) {
  if (task == nullptr) return;
  task->give_up({StatusCode::kCancelled, "nobody waits for it any more"},
                task->mode() != Mode::kNolink);
}

}  // namespace

AsyncTask::AsyncTask(std::shared_ptr<remote::RemoteTask> task) : task_(std::move(task)) {}

AsyncTask::~AsyncTask() { let_go(task_.get()); }

AsyncTask& AsyncTask::operator=(AsyncTask&& other) noexcept {
  if (this == &other) return *this;
  let_go(task_.get());
  task_ = std::move(other.task_);
  return *this;
}

Result<Value> AsyncTask::await(Timeout timeout) {
  const auto wait = bounded(timeout);
  if (!task_->wait_done(wait)) {
    if (task_->is_abandoned()) {
      return Status{StatusCode::kUnavailable,
                    "the Mesh that started " + function() + " has been destroyed"};
    }
    const auto late = function() + " did not end within " + std::to_string(wait.count()) + " ms";
    if (task_->mode() == Mode::kNolink) {
      return Status{StatusCode::kDeadlineExceeded, late + "; it goes on"};
    }
    // What the node says of that: whether it had begun at all, or even that it has just ended.
    task_->cancel();
    const auto stopped = late + " and was told to stop";
    if (!task_->wait_done(kStopGrace)) {
      task_->give_up({StatusCode::kDeadlineExceeded, stopped}, false);
    } else if (const auto end = task_->result().status(); end.code() == StatusCode::kCancelled) {
      task_->replace_end({StatusCode::kDeadlineExceeded, stopped + ": " + end.text()});
    }
  }
  return task_->result();
}

void AsyncTask::cancel() { task_->cancel(); }
bool AsyncTask::is_done() const { return task_->is_done(); }
const std::string& AsyncTask::function() const { return task_->function(); }

}  // namespace kvmesh
