#pragma once

#include <kvmesh/client.h>

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace kvmesh::command {

/// Outcomes on their way from the client's thread to the one that works with them, with a
/// descriptor that becomes readable when there are some. Thread-safe.
class Completions {
 public:
  using Ended = std::pair<std::uint32_t, Outcome>;

  Completions();
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  void add(std::uint32_t id, Outcome outcome);
  /// All since the last call.
  std::vector<Ended> take();
  /// To poll for, and to write to in order to wake up whoever polls.
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::mutex mutex_;
  std::vector<Ended> entries_;
};

}  // namespace kvmesh::command
