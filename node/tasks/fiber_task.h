#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>

#include <kvmesh/task.h>

#include "node/tasks/execution.h"
#include "node/tasks/task_port.h"

namespace kvmesh::tasks {

/// The Task that user code gets. On its own fiber only.
class FiberTask final : public Task {
 public:
  /// Both must outlive it.
  FiberTask(Execution& execution, TaskPort& port) : Task(port), execution_(execution) {}

  Pid self() const override { return execution_.pid(); }
  std::stop_token stop_token() const override { return execution_.stop_token(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override;
  Status send_after(std::chrono::milliseconds after, Value body) override;

 private:
  void output(OutputStream stream, std::string_view bytes) override;

  Execution& execution_;
};

}  // namespace kvmesh::tasks
