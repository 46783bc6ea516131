#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kvmesh {

/// Where a task writes to; the numbers are those on the wire.
enum class OutputStream : std::uint8_t { kOut = 1, kErr = 2 };

/// A piece of what a task wrote, at whoever started it. Its bounds mean nothing: the node joins and
/// splits what the task wrote in between.
struct OutputChunk {
  OutputStream stream = OutputStream::kOut;
  std::string bytes;

  friend bool operator==(const OutputChunk&, const OutputChunk&) = default;
};

/// Takes the output of the tasks that a program started. Thread-safe.
class OutputSink {
 public:
  virtual ~OutputSink() = default;

  /// Takes `chunks`, in their order. `taken` must be called exactly once, on any thread, when they
  /// have been passed on; it may be called before write() returns. Until then the task is asked for
  /// little more, so that a slow reader slows the task and nothing else. Must not block or throw.
  /// One task has one write at a time; those of several tasks may come side by side.
  virtual void write(std::vector<OutputChunk> chunks, std::function<void()> taken) = 0;
};

/// A sink that calls `each` for every chunk: to collect output, or to show it elsewhere. `each`
/// must not block or throw, and is called by one thread at a time.
std::shared_ptr<OutputSink> output_to(std::function<void(const OutputChunk&)> each);

}  // namespace kvmesh
