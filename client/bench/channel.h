#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <kvmesh/status.h>

#include "client/bench/operation.h"
#include "common/deadline.h"

namespace kvmesh::bench {

/// Who is told what a channel receives. Called from inside Channel::receive() only.
class ReplySink {
 public:
  ReplySink() = default;
  ReplySink(const ReplySink&) = delete;
  ReplySink& operator=(const ReplySink&) = delete;
  virtual ~ReplySink() = default;

  /// `reply.value` lives until the call returns.
  virtual void on_reply(const Reply& reply) = 0;
};

/// One connection to what is measured, in one protocol: turns operations into bytes, and bytes into
/// replies whose form it has checked. It gives each reply the tag of its request. One thread.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  /// Connects, watches its descriptors with `epoll` under `mark`, and is ready for requests when it
  /// returns; waits up to a few seconds.
  virtual Status open(int epoll, std::uint64_t mark) = 0;
  /// Whether buckets must be created before use.
  virtual bool has_buckets() const = 0;

  /// Queues a request. REQUIRES: no unanswered request of this channel has the tag.
  virtual void submit(const Operation& operation, std::uint32_t tag) = 0;
  /// Sends what is queued. What the connection does not take now goes later.
  virtual Status flush() = 0;
  /// Hands over what has arrived. Anything that is no right reply, or the connection's end, is an
  /// error, and the channel is useless from then on.
  virtual Status receive(ReplySink& sink) = 0;
  /// Asked after flush() and before sleeping: true when receive() has something to do that the
  /// descriptors will not tell.
  virtual bool is_ready() { return false; }
  /// Housekeeping, every few ten milliseconds.
  virtual Status tick() { return {}; }
};

}  // namespace kvmesh::bench
