#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <kvmesh/output.h>

namespace kvmesh::client {

/// Writes the output of tasks to the program's stdout and stderr: each chunk whole, in the order in
/// which they came, through stdio and so in order with what the program itself prints. A reader
/// that is slow stops only a thread of its own.
/// Bounded by its writers: one that is not told `taken` brings no more.
/// Thread-safe.
class StandardOutput final : public OutputSink {
 public:
  explicit StandardOutput(std::FILE* out = stdout, std::FILE* err = stderr);
  /// Writes what is left first, so it waits for a reader that is slow; not in a `taken`.
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;

 private:
  class Queue;
  // Shared with the thread: what holds the last reference to this may be destroyed on it.
  const std::shared_ptr<Queue> queue_;
  std::thread thread_;  // from the first write on; guarded by the queue's mutex
};

}  // namespace kvmesh::client
