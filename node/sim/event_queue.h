#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <queue>
#include <vector>

#include "common/deadline.h"

namespace kvmesh::sim {

/// Simulated time, from the start of the run.
using Micros = std::chrono::microseconds;

/// The same moment as a core sees it. The offset keeps clear of the clock's zero.
inline TimePoint core_time(Micros at) { return TimePoint{} + std::chrono::hours{1} + at; }

enum class EventKind : std::uint8_t {
  kAsk,          // the next request of the plan
  kFault,        // the next fault of the plan
  kArrive,       // a frame reaches the other end; detail: frame
  kWire,         // a slow connection is through with a frame; detail: connection, and which way
  kRoom,         // a node's link takes frames again
  kSynced,       // a node's disk has what was written some time ago
  kWatch,        // a node looks when it last heard on a slow connection; detail: connection
  kPass,         // a node does what has come in
  kTick,         // a node looks at its deadlines
  kConnect,      // a node dials; detail: peer
  kAttemptOver,  // a node waited long enough for a WELCOME; detail: connection
  kNotice,       // the dialling end learns that the connection is lost; detail: connection
  kSilence,      // it was silent for as long as a peer waits; detail: connection
  kStopOver,     // a stopping node waits no longer
  kExit,         // a stopped node has sent its last words
};

struct Event {
  Micros at{};
  std::uint64_t serial = 0;  // of two events at the same time the older one comes first
  EventKind kind = EventKind::kAsk;
  std::uint32_t node = 0;
  std::uint64_t detail = 0;
  std::uint64_t stamp = 0;  // what it was meant for; it is stale when that has moved on
};

/// What will happen, by time and then in the order in which it was planned. Deterministic.
class EventQueue {
 public:
  Micros now() const { return now_; }
  bool empty() const { return events_.empty(); }
  Micros next_at() const { return events_.top().at; }

  void add(Micros at, EventKind kind, std::uint32_t node, std::uint64_t detail = 0,
           std::uint64_t stamp = 0) {
    events_.push({std::max(at, now_), serial_++, kind, node, detail, stamp});
  }
  /// Takes the next event and moves the clock to it. REQUIRES: !empty().
  Event take() {
    const auto event = events_.top();
    events_.pop();
    now_ = event.at;
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at != b.at ? a.at > b.at : a.serial > b.serial;
    }
  };
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  Micros now_{};
  std::uint64_t serial_ = 0;
};

}  // namespace kvmesh::sim
