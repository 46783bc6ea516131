#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "common/deadline.h"
#include "common/request.h"
#include "node/store/op.h"

namespace kvmesh::store {

/// Numbers of buckets: by first byte, or by hash (common/route_hash.h).
using BucketCounts = std::array<std::uint64_t, 256>;

/// How full an engine is, for `node.info`.
struct Usage {
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  std::uint64_t expiring = 0;  // of the keys: those with a time to live
  std::uint64_t bytes = 0;     // of memory that counts against kv.memory_max
  std::uint64_t bytes_max = 0;
  std::uint64_t followed = 0;   // of them: changes that are remembered for those who follow buckets
  std::uint64_t followers = 0;  // calls that wait for changes
};

/// Whom a session tells how its operations ended: each at most once, on the thread of the session.
/// One whose deadline is over need not be told of; its requester was answered kOutcomeUnknown then.
/// What the results point to lives until the call returns. No method may call the session.
class SessionOwner {
 public:
  /// A promise that the operation ends later, from pass().
  using Ticket = RequestId;

  SessionOwner() = default;
  SessionOwner(const SessionOwner&) = delete;
  SessionOwner& operator=(const SessionOwner&) = delete;
  virtual ~SessionOwner() = default;

  /// During execute(): the operation in that place of those it was given has ended.
  virtual void ended(std::size_t place, const OpResult& result) = 0;
  /// During execute(): it ends later, by the ticket. None: too much is under way; the owner has
  /// told whoever asked, and the operation must not be executed.
  virtual std::optional<Ticket> defer(std::size_t place) = 0;
  /// During pass(): it waited for its turn, which has come. For traces; need not be called.
  virtual void began(Ticket ticket) = 0;
  /// During pass(): it has ended. The owner may have given it up meanwhile, and then ignores this.
  virtual void ended_later(Ticket ticket, const OpResult& result) = 0;
};

/// One reactor's way to an engine. What changes or reads a key, and what makes, counts or drops its
/// bucket, takes effect in the order in which it was submitted, also over several calls. A page may
/// be gathered later: it shows the bucket as it is then. All calls are on the owner's thread, and
/// the engine must outlive the session.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  /// Executes what has come together: the owner is told of each operation before this returns that
  /// it has ended, or that it ends later. Waits for nothing but memory and short locks.
  /// `now`: the time of changes, and by which keys have expired.
  virtual void execute(std::span<const Op> ops, TimePoint now) = 0;
  /// Tells the owner what has ended meanwhile, and goes on with what is not finished, for less than
  /// a millisecond. True: there is more to do at once. Called in every pass of the reactor's loop.
  virtual bool pass(TimePoint now) = 0;
  /// Does a piece of what was put off, for less than a millisecond: keys that have expired are
  /// removed. Called every 20 ms or so.
  virtual void tick(TimePoint now) = 0;
};

/// Where a node keeps its buckets: in memory, on a disk, on other machines. Thread-safe: the
/// reactors share one engine, each with a session of its own.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// `wake` is called, on any thread, when pass() has something to do; not after the session has
  /// ended.
  virtual std::unique_ptr<Session> open(SessionOwner& owner, std::function<void()> wake) = 0;
  virtual Usage usage() const = 0;
  /// How many buckets there are by the first byte of their names; and of those that begin with
  /// `byte`, by hash. Any thread may ask at any time.
  virtual BucketCounts buckets_by_byte() const = 0;
  virtual BucketCounts buckets_by_hash(std::uint8_t byte) const = 0;
};

}  // namespace kvmesh::store
