#include "common/remote/remote_task.h"

#include <iterator>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/remote/poll.h"

namespace kvmesh::remote {
namespace {

// After a task has begun these only say that its node is out of reach, and no longer that nothing
// was executed.
bool means_node_is_gone(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kNoRoute ||
         code == StatusCode::kOutcomeUnknown;
}

}  // namespace

RemoteTask::RemoteTask(std::shared_ptr<Connection> connection, std::string function, Mode mode,
                       std::shared_ptr<OutputSink> output)
    : connection_(std::move(connection)),
      function_(std::move(function)),
      mode_(mode),
      output_(std::move(output)) {}

std::shared_ptr<RemoteTask> RemoteTask::start(std::shared_ptr<Connection> connection, Order order) {
  if (is_built_in(order.function)) {
    return ask(std::move(connection),
               {order.to.target, std::move(order.to.name), std::move(order.function),
                std::move(order.args)},
               order.timeout);
  }
  auto from = connection->mailbox().known_self();
  std::shared_ptr<RemoteTask> task{
      new RemoteTask{std::move(connection), order.function, order.mode, std::move(order.output)}};
  task->send(run_request(std::move(order.to), std::move(order.function), std::move(order.args),
                         order.mode, order.limit, from),
             order.timeout, true);
  return task;
}

std::shared_ptr<RemoteTask> RemoteTask::ask(std::shared_ptr<Connection> connection,
                                            Operation operation, Timeout timeout) {
  std::shared_ptr<RemoteTask> task{
      new RemoteTask{std::move(connection), operation.function, Mode::kCall, nullptr}};
  task->send(std::move(operation), timeout, false);
  return task;
}

bool RemoteTask::wait_done(std::chrono::milliseconds timeout) {
  return Waiters::wait(waiters_, mutex_, *connection_, connection_->now() + timeout,
                       [this] { return done_; });
}

bool RemoteTask::wait_begun(std::chrono::milliseconds timeout) {
  return Waiters::wait(waiters_, mutex_, *connection_, connection_->now() + timeout,
                       [this] { return done_ || task_.has_value(); });
}

bool RemoteTask::is_done() const {
  const std::lock_guard lock{mutex_};
  return done_;
}

std::optional<Pid> RemoteTask::pid() const {
  const std::lock_guard lock{mutex_};
  if (!task_) return std::nullopt;
  return task_->pid;
}

Result<Value> RemoteTask::result() const {
  const std::lock_guard lock{mutex_};
  return end_.value();
}

Result<Value> RemoteTask::take_result() {
  const std::lock_guard lock{mutex_};
  return std::move(end_).value();
}

void RemoteTask::cancel() {
  {
    const std::lock_guard lock{mutex_};
    if (end_) return;
    stop_wanted_ = true;
  }
  advance();
}

void RemoteTask::give_up(Status end, bool stop) {
  {
    const std::lock_guard lock{mutex_};
    if (done_) return;
    stop_wanted_ = stop_wanted_ || (stop && !end_);
    given_up_ = true;
    end_ = Result<Value>{std::move(end)};
    queued_.clear();
    queued_bytes_ = 0;
    done_ = true;
    waiters_.wake_all();
  }
  advance();
}

void RemoteTask::replace_end(Status end) {
  const std::lock_guard lock{mutex_};
  end_ = Result<Value>{std::move(end)};
}

void RemoteTask::send(Operation operation, Timeout timeout, bool is_task) {
  connection_->request(
      std::move(operation),
      [self = shared_from_this(), is_task](Outcome outcome) {
        self->on_answer(std::move(outcome), is_task);
      },
      timeout);
}

void RemoteTask::on_answer(Outcome outcome, bool is_task) {
  {
    const std::lock_guard lock{mutex_};
    asking_ = false;
    if (!outcome.status.ok()) {
      if (!given_up_) end_ = Result<Value>{failure(std::move(outcome.status))};
      stop_wanted_ = false;  // what was to stop has ended, or cannot be told
    } else if (!is_task) {
      if (!given_up_) end_ = Result<Value>{std::move(outcome.result)};
    } else if (auto progress = progress_of(std::move(outcome.result))) {
      take(*std::move(progress));
    } else if (!given_up_) {
      end_ = Result<Value>{Status{StatusCode::kOutcomeUnknown,
                                  function_ + " may have been executed, but the node's answer is "
                                              "not what the protocol says"}};
    }
  }
  advance();
}

// With the lock held.
void RemoteTask::take(Progress progress) {
  if (!task_) {
    task_ = std::move(progress.task);
    waiters_.wake_all();
  }
  if (progress.done) stop_wanted_ = false;
  if (given_up_) return;
  for (const auto& chunk : progress.output) queued_bytes_ += chunk.bytes.size();
  queued_.insert(queued_.end(), std::make_move_iterator(progress.output.begin()),
                 std::make_move_iterator(progress.output.end()));
  if (progress.done) end_ = Result<Value>{std::move(progress.result)};
}

// It is not known here who is gone: the task's node, or one on the way there, such as the gate.
// Each text names that node, and what it says of "the request" is about this one.
Status RemoteTask::failure(Status status) const {
  if (!task_ || !means_node_is_gone(status.code())) return status;
  return {StatusCode::kOutcomeUnknown, function_ + " runs or ran at " + task_->pid.node +
                                           "; the request for its result failed: " + status.text()};
}

void RemoteTask::on_taken() {
  {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    written_bytes_ = 0;
  }
  advance();
}

// Does what there is to do now; after every change. Decides with the lock held, acts without.
void RemoteTask::advance() {
  std::optional<Operation> cancel;
  std::optional<Operation> next;
  std::optional<Message> down;
  std::vector<OutputChunk> chunks;
  {
    const std::lock_guard lock{mutex_};
    if (stop_wanted_ && task_) {
      stop_wanted_ = false;
      cancel = cancel_request(task_->pid);
    }
    if (!writing_ && !queued_.empty()) {
      writing_ = true;
      chunks.swap(queued_);
      written_bytes_ = std::exchange(queued_bytes_, 0);
    }
    if (end_ && !done_ && !writing_) {
      done_ = true;
      waiters_.wake_all();
      if (mode_ == Mode::kSpawnLink && task_) {
        down = Message{MessageKind::kDown, task_->pid, end_reason(end_->status())};
      }
    }
    if (!end_ && task_ && !asking_) {
      asking_ = true;
      next = next_request(*task_, written_bytes_ + queued_bytes_ < limits::kTaskOutputBytesMax);
    }
  }
  // The poll first: it is on its way while the output is written.
  if (cancel) poll(connection_, *std::move(cancel), [](const Outcome&) {});  // also when it is busy
  if (next) {
    poll(connection_, *std::move(next), [self = shared_from_this()](Outcome outcome) {
      self->on_answer(std::move(outcome), true);
    });
  }
  if (!chunks.empty()) {
    connection_->write(output_.get(), std::move(chunks),
                       [self = shared_from_this()] { self->on_taken(); });
  }
  if (down) connection_->push(*std::move(down));
}

}  // namespace kvmesh::remote
