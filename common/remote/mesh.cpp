#include <kvmesh/mesh.h>

#include <algorithm>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/operation_codec.h"
#include "common/remote/connection.h"
#include "common/remote/monitor.h"
#include "common/remote/node_watches.h"
#include "common/remote/port.h"
#include "common/remote/remote_task.h"
#include "common/remote/requests.h"

namespace kvmesh {
namespace {

using remote::Mode;
using remote::RemoteTask;
using std::chrono::milliseconds;

// A node answers that a task's time is over when it is; that says more than the caller's own clock.
constexpr milliseconds kAnswerGrace{100};
// Every request ends by itself, a little later than its time is over. This is in case it does not.
constexpr milliseconds kRequestGrace{1000};

Status no_time(std::string_view function) {
  return {StatusCode::kDeadlineExceeded,
          std::string{function} + " was not asked for: its time was over already"};
}

Status not_ended(const RemoteTask& task, milliseconds timeout) {
  const auto pid = task.pid();
  return {StatusCode::kDeadlineExceeded,
          task.function() + (pid ? " at " + pid->node : "") + " did not end within " +
              std::to_string(timeout.count()) + " ms and was told to stop"};
}

Status no_answer(const std::string& function) {
  return {StatusCode::kOutcomeUnknown, function + " was asked for, but no answer came"};
}

}  // namespace

Mesh::Mesh(std::unique_ptr<remote::MeshPort> port)
    : connection_(remote::Connection::make(std::move(port))),
      watches_(std::make_unique<remote::NodeWatches>(connection_)) {}

Mesh::Mesh(remote::MeshPort& port)
    : connection_(remote::Connection::make({std::shared_ptr<void>{}, &port})),
      watches_(std::make_unique<remote::NodeWatches>(connection_)) {}

Mesh::~Mesh() { connection_->close(); }

Result<Value> Mesh::call_values(Destination to, std::string_view function, Value::List args,
                                const CallOptions& options) {
  if (remote::is_built_in(function)) {
    return request({to.target, std::move(to.name), std::string{function}, std::move(args)},
                   options);
  }
  const auto timeout = bounded(options.timeout);
  if (timeout.count() == 0) return no_time(function);
  RemoteTask::Order order{{to.target, std::move(to.name)},
                          std::string{function},
                          std::move(args),
                          Mode::kCall,
                          options.limit.count() == 0 ? timeout : std::min(timeout, options.limit),
                          {},
                          options.output};
  order.timeout = std::min(timeout + kAnswerGrace, remote::poll_timeout().duration);
  const auto task = RemoteTask::start(connection_, std::move(order));
  if (!task->wait_done(timeout + kAnswerGrace)) task->give_up(not_ended(*task, timeout), true);
  return task->take_result();
}

Result<Value> Mesh::request(Operation operation, const CallOptions& options) {
  const auto timeout = bounded(options.timeout);
  const auto asked = RemoteTask::ask(connection_, std::move(operation), timeout);
  if (!asked->wait_done(timeout + kRequestGrace))
    asked->give_up(no_answer(asked->function()), false);
  return asked->take_result();
}

AsyncTask Mesh::start_async(Destination to, std::string_view function, Value::List args,
                            bool linked, const CallOptions& options) {
  RemoteTask::Order order{{to.target, std::move(to.name)},
                          std::string{function},
                          std::move(args),
                          linked ? Mode::kAsync : Mode::kNolink,
                          options.limit,
                          remote::poll_timeout(),
                          options.output};
  return AsyncTask{RemoteTask::start(connection_, std::move(order))};
}

Result<Pid> Mesh::spawn_values(Destination to, std::string_view function, Value::List args,
                               bool linked, const CallOptions& options) {
  if (remote::is_built_in(function)) {
    return Status{StatusCode::kInvalidArgument,
                  std::string{function} + " is no task and cannot be spawned; call it"};
  }
  const auto timeout = bounded(options.timeout);
  if (timeout.count() == 0) return no_time(function);
  RemoteTask::Order order{{to.target, std::move(to.name)},
                          std::string{function},
                          std::move(args),
                          linked ? Mode::kSpawnLink : Mode::kSpawn,
                          options.limit,
                          timeout,
                          options.output};
  const auto task = RemoteTask::start(connection_, std::move(order));
  if (!task->wait_begun(timeout + kRequestGrace)) {
    task->give_up(no_answer(task->function()), true);
    return no_answer(task->function());
  }
  if (auto pid = task->pid()) return *std::move(pid);
  return task->take_result().status();
}

Result<Value> Mesh::server_values(Asks asks, const ServerName& server, std::string_view function,
                                  Value::List args, const CallOptions& options) {
  const auto& operation = asks == Asks::kCall ? functions::kServerCall : functions::kServerCast;
  return request(
      remote::server_request(operation.name, server.node, server.name, std::string{function},
                             std::move(args), connection_->mailbox().known_self()),
      options);
}

Status Mesh::send_value(const Pid& to, Value body) {
  if (to.empty()) {
    return {StatusCode::kInvalidArgument,
            "an empty pid cannot be sent to; the message that it is from told no sender"};
  }
  return send_value(to.node, to_value(to.id), to, std::move(body));
}

Status Mesh::send_value(const ServerName& to, Value body) {
  return send_value(to.node, to.name, {}, std::move(body));
}

Status Mesh::send_value(std::string node, Value to, Pid receiver, Value body) {
  auto own = self();
  if (!own) return own.status();
  const auto returned = [connection = connection_,
                         receiver = std::move(receiver)](const Outcome& outcome) {
    if (outcome.status.ok()) return;
    connection->push({MessageKind::kUndelivered, receiver, outcome.status.to_string()});
  };
  connection_->request(
      remote::send_request(std::move(node), std::move(to), *std::move(own), std::move(body)),
      returned, {});
  return {};
}

Result<Pid> Mesh::self() { return connection_->mailbox().self(); }

Result<Message> Mesh::receive(Timeout timeout) {
  const auto wait = bounded(timeout);
  auto message = connection_->mailbox().receive(connection_->now() + wait);
  if (message || message.status().code() != StatusCode::kDeadlineExceeded) return message;
  return Status{StatusCode::kDeadlineExceeded,
                "no message came within " + std::to_string(wait.count()) + " ms"};
}

std::optional<Message> Mesh::try_receive() {
  auto message = connection_->mailbox().receive(TimePoint::min());
  if (!message) return std::nullopt;
  return *std::move(message);
}

std::vector<Message> Mesh::flush() {
  std::vector<Message> messages;
  while (auto message = try_receive()) messages.push_back(*std::move(message));
  return messages;
}

bool Mesh::pause(std::chrono::milliseconds time) {
  using std::chrono::milliseconds;
  const auto waiter = connection_->make_waiter();
  if (waiter == nullptr) return false;
  const auto now = connection_->now();
  const auto most = std::chrono::duration_cast<milliseconds>(TimePoint::max() - now);
  const auto until = now + std::clamp(time, milliseconds{0}, most);
  (void)waiter->wait_until(until);  // nobody wakes it
  return connection_->now() >= until;
}

Status Mesh::monitor(const Pid& pid) {
  if (pid.empty()) return {StatusCode::kInvalidArgument, "an empty pid cannot be monitored"};
  if (auto own = self(); !own) return own.status();
  remote::monitor(connection_, pid);
  return {};
}

Status Mesh::watch_nodes(std::string_view node) {
  if (auto own = self(); !own) return own.status();
  const std::string name{node};
  const auto answer = request(remote::watch_request(name, 0), {});
  if (!answer) return answer.status();
  const auto told = remote::nodes_told_of(*answer);
  if (!told) return told.status();
  watches_->begin(name, *told);
  return {};
}

void Mesh::unwatch_nodes(std::string_view node) { watches_->end(std::string{node}); }

}  // namespace kvmesh
