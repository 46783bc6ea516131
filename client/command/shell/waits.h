#pragma once

#include <kvmesh/async.h>

#include <chrono>
#include <cstdint>

#include "client/command/base/interrupts.h"

namespace kvmesh::command::shell {

enum class Wait : std::uint8_t { kEnded, kTimeOver, kInterrupted };

/// Waits for the end of a task, for as long as that, or for an interrupt; the task goes on.
Wait wait_for(const Async<Value>& task, std::chrono::milliseconds time,
              const Interrupts& interrupts);

}  // namespace kvmesh::command::shell
