#include "node/tasks/bodies.h"

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/wire/buffer.h"
#include "common/wire/value_codec.h"
#include "node/tasks/fiber_task.h"
#include "node/tasks/nesting.h"
#include "node/tasks/task_port.h"

namespace kvmesh::tasks {
namespace {

// How a body, or one handler of a server, has ended.
struct Ended {
  Status status;
  std::string result;
};

// The limit of all is checked where it is sent.
Ended packed(const Result<Value>& result, std::size_t bytes_max) {
  if (!result) return {result.status(), {}};
  if (result->is_nil()) return {};
  wire::Buffer out;
  auto status = wire::pack_value(out, *result, bytes_max);
  if (status.ok()) status = check_nesting(out.view(), kLevelsAroundResult);
  if (!status.ok())
    return {
        {status.code(), "the result cannot be sent: " + status.text() + "; pass it on in parts"},
        {}};
  return {{}, std::string{out.view()}};
}

Status never_began() { return {StatusCode::kCancelled, "it was stopped before it began"}; }

Status task_failed(std::string_view text) { return {StatusCode::kTaskFailed, std::string{text}}; }

// Runs what may throw.
template <typename Function>
Ended guarded(Function&& function) {
  try {
    return function();
  } catch (const std::exception& error) {
    return {task_failed(error.what()), {}};
  } catch (...) {
    return {task_failed("something that is no std::exception was thrown"), {}};
  }
}

Result<Value::List> unpack_arguments(std::string_view bytes) {
  auto value = wire::unpack_value(bytes);
  if (!value) {
    return Status{StatusCode::kInvalidArgument,
                  "the arguments cannot be read: " + value.status().text()};
  }
  auto* list = value->get_if<Value::List>();
  if (list == nullptr) {
    return Status{StatusCode::kInvalidArgument, "the arguments are not an array"};
  }
  return std::move(*list);
}

Ended call_function(Execution& execution) {
  const auto arguments = unpack_arguments(execution.body().args);
  if (!arguments) return {arguments.status(), {}};
  TaskPort port{execution};
  FiberTask task{execution, port};
  return guarded([&] {
    return packed(execution.body().function->run(task, *arguments), limits::kTaskResultBytesMax);
  });
}

class Server {
 public:
  Server(Execution& execution, FiberTask& task)
      : execution_(execution), task_(task), definition_(*execution.body().server) {}

  Ended run() {
    const auto state = definition_.make();
    if (definition_.started) definition_.started(state.get(), task_);
    auto delivery = execution_.receive(std::nullopt);
    while (delivery.kind != Delivery::Kind::kNothing) {
      std::optional<Began> call;
      if (delivery.ticket) call = Began{*delivery.ticket, std::chrono::steady_clock::now()};
      auto answer = call && delivery.deadline <= call->at ? late() : handle(state.get(), delivery);
      delivery = execution_.receive_after(std::move(answer.status), std::move(answer.result), call);
    }
    return {};
  }

 private:
  // A call may have waited for a worker after it was this server's turn.
  Ended late() const {
    return {call_is_late("server " + definition_.name + " " + execution_.pid().to_string()), {}};
  }

  // While it lives, a crash is told as one of this handler; also while an exception leaves it.
  class InHandler {
   public:
    InHandler(Execution& execution, const Delivery& delivery) : execution_(execution) {
      execution_.set_handler(delivery.function, delivery.from);
    }
    ~InHandler() { execution_.set_handler({}, {}); }
    InHandler(const InHandler&) = delete;
    InHandler& operator=(const InHandler&) = delete;

   private:
    Execution& execution_;
  };

  Ended handle(void* state, const Delivery& delivery) {
    const InHandler named{execution_, delivery};
    using Kind = Delivery::Kind;
    if (delivery.kind != Kind::kCall && delivery.kind != Kind::kCast) {
      const auto message = message_of(delivery, task_.self());
      if (message && definition_.message) definition_.message(state, task_, *message);
      return {};
    }
    const auto arguments = unpack_arguments(delivery.body);
    if (!arguments) return {arguments.status(), {}};
    if (delivery.kind == Kind::kCast) {
      return {definition_.cast(state, task_, delivery.function, *arguments), {}};
    }
    return packed(definition_.call(state, task_, delivery.function, *arguments),
                  limits::kBodyBytesMax);
  }

  Execution& execution_;
  FiberTask& task_;
  const ServerDefinition& definition_;
};

// With the Mesh destroyed: nothing of this body is under way any more.
void exit(Execution& execution, Ended ended) {
  execution.end();
  execution.shared().events.push(
      Exited{execution.id(), std::move(ended.status), std::move(ended.result)});
}

Ended serve(Execution& execution) {
  TaskPort port{execution};
  port.refuse_receive();
  FiberTask task{execution, port};
  return guarded([&] { return Server{execution, task}.run(); });
}

Ended run(Execution& execution) {
  if (execution.is_stopped()) return {never_began(), {}};
  return execution.body().server != nullptr ? serve(execution) : call_function(execution);
}

}  // namespace

void run_body(Execution& execution) {
  exit(execution, execution.begin() ? run(execution) : Ended{never_began(), {}});
}

}  // namespace kvmesh::tasks
