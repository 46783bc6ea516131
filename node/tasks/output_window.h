#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/meter.h"
#include "common/wire/buffer.h"

namespace kvmesh::tasks {

enum class Stream : std::uint8_t { kOut = 1, kErr = 2 };

/// What a task has put out and nobody has fetched yet, in the order of writing across both streams.
/// Holds at most limits::kTaskOutputBytesMax. Not thread-safe.
class OutputWindow {
 public:
  explicit OutputWindow(Meter& meter) : held_(meter) {}

  /// REQUIRES: bytes() + chunk.size() <= limits::kTaskOutputBytesMax; aborts otherwise, because the
  /// task's side has to wait for credit.
  void append(Stream stream, std::string_view chunk);
  /// Appends an array of [stream, bytes] to `out` and empties the window; returns the credit that
  /// this frees.
  std::size_t take(wire::Buffer& out);
  /// Empties the window for nobody; returns the credit that this frees.
  std::size_t drop();

  bool empty() const { return chunks_ == 0; }
  std::size_t bytes() const { return held_.bytes(); }
  /// What take() would append.
  std::size_t packed_bytes() const { return packed_.size() + 5; }

 private:
  wire::Buffer packed_;
  std::uint32_t chunks_ = 0;
  Held held_;
};

}  // namespace kvmesh::tasks
