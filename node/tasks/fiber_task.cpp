#include "node/tasks/fiber_task.h"

#include <algorithm>
#include <string>

#include <kvmesh/limits.h>

#include "common/wire/buffer.h"
#include "common/wire/value_codec.h"

namespace kvmesh::tasks {

std::optional<std::chrono::steady_clock::time_point> FiberTask::deadline() const {
  const auto deadline = execution_.body().deadline;
  if (deadline == TimePoint::max()) return std::nullopt;
  return deadline;
}

Status FiberTask::send_after(std::chrono::milliseconds after, Value body) {
  wire::Buffer packed;
  if (auto status = wire::pack_value(packed, body, limits::kBodyBytesMax); !status.ok())
    return status;
  const auto time =
      std::clamp(after, std::chrono::milliseconds{0},
                 std::chrono::duration_cast<std::chrono::milliseconds>(limits::kTimeoutMax));
  return execution_.set_timer(time, std::string{packed.view()});
}

void FiberTask::output(OutputStream stream, std::string_view bytes) {
  execution_.write(static_cast<Stream>(stream), bytes);
}

}  // namespace kvmesh::tasks
