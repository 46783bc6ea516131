#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <kvmesh/status.h>

namespace kvmesh::core {

/// A number that one thread raises and any thread may read.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What a core has done since its start. Written by its reactor; readable from any thread.
struct Counters {
  Counter requests;        // on_request() calls
  Counter executed;        // of those, handed to a handler here
  Counter forwarded;       // of those, passed to a peer
  Counter late_replies;    // replies to requests that were answered already (deadline, link's end)
  Counter forged_replies;  // replies from a peer that was not asked
  std::array<Counter, kStatusCodeCount> replies;  // by status code
};

}  // namespace kvmesh::core
