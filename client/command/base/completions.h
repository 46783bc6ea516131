#pragma once

#include <kvmesh/client.h>

#include <chrono>
#include <cstdint>
#include <memory>
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

/// Begins a call; its outcome is added to `to`, which lives until then, under this id.
void start_call(Client& client, const Operation& operation, std::uint32_t id,
                std::shared_ptr<Completions> to, Timeout timeout);

// The client's calls, which block, for a command that can be broken off (interrupts.h): they end as
// kCancelled then. What was sent may still be executed.

std::vector<Outcome> call_until_broken_off(Client& client, std::vector<Operation> operations,
                                           Timeout timeout);
Outcome call_until_broken_off(Client& client, Operation operation, Timeout timeout);
/// Client::wait_connected().
Status wait_connected_until_broken_off(Client& client, std::chrono::milliseconds timeout);

}  // namespace kvmesh::command
