#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <chrono>
#include <memory>
#include <string>

#include "client/command/verify/live_mesh.h"

namespace kvmesh::command {

/// How long many calls may take together: kCountTimeouts times what one may.
class CallTime {
 public:
  explicit CallTime(std::chrono::milliseconds timeout);

  bool is_over() const;
  /// Of the next call; at least a millisecond.
  std::chrono::milliseconds of_a_call() const;
  /// kDeadlineExceeded, saying so.
  Status over() const;

 private:
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point end_;
};
inline constexpr int kCountTimeouts = 10;

/// A node that can be asked.
struct Reached {
  std::unique_ptr<Client> client;
  std::string target;  // its name for `client`; empty: it is connected itself
  Value info;
};

/// At its own address first: whatever the tables of others say, it answers for itself there.
/// Blocks.
Result<Reached> reach(const Way& way, const std::string& name, const CallTime& time);

}  // namespace kvmesh::command
