#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/request.h"
#include "node/store/change.h"
#include "node/store/page.h"

namespace kvmesh::store {

using BucketsByByte = std::array<std::uint64_t, 256>;

/// How full an engine is, for `node.info`.
struct Usage {
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  // of memory that counts against kv.memory_max
  std::uint64_t bytes_max = 0;
  // Of the buckets: those whose names begin with each byte.
  BucketsByByte buckets_of{};
};

/// One operation on what a node keeps. Names and values are any bytes, none included; their sizes
/// were checked before (limits.h). The views live until Session::execute() returns.
struct Op {
  enum class Kind : std::uint8_t {
    kCreate,   ///< makes an empty bucket; one that exists stays as it is
    kDrop,     ///< removes the bucket with all its keys
    kPut,      ///< stores `value` under `key`, in place of what was there
    kGet,      ///< reads the value of `key`
    kErase,    ///< removes `key`; OK also when it is not there
    kCount,    ///< counts the keys of the bucket
    kKeys,     ///< lists the keys of the bucket: one page of them
    kBuckets,  ///< the same of the buckets
    kRead,     ///< reads `keys` with their revisions, in one instant
    kApply,    ///< makes `changes`, all or none, if all `checks` hold; no key is changed twice
  };
  Kind kind = Kind::kGet;
  std::string_view bucket;                   // of all but kBuckets
  std::string_view key;                      // of kPut, kGet, kErase
  std::string_view value;                    // of kPut
  PageLimits page;                           // of kKeys, kBuckets
  std::span<const std::string_view> keys{};  // of kRead
  std::span<const Check> checks{};           // of kApply
  std::span<const Change> changes{};         // of kApply
  TimePoint deadline{};                      // its result is of no use to anybody later
};

/// How an operation ended. The status is OK, or:
///   kNotFound          the bucket does not exist (kCreate and kBuckets never say so);
///   kFull              kCreate, kPut and kApply only: it would pass the engine's bound, so nothing
///                      was changed; a put of a value no longer than the one it replaces is never
///                      refused so;
///   kInvalidArgument   kApply only: a number is to be added to what is none, or the sum does not
///                      fit 64 bits; nothing was changed;
///   kTooLarge          kRead only: the values take more than a reply holds (limits.h);
///   kOverloaded        too many operations wait; it was not executed;
///   kUnavailable       what the engine stands on is not there; it was not executed;
///   kDeadlineExceeded  its time was over before it was begun, and it never will be;
///   kOutcomeUnknown    it may have been executed, or may be yet.
struct OpResult {
  Status status{};
  std::optional<std::string_view> value{};  // of kGet; none: there is no such key
  std::optional<std::uint64_t> count{};     // of kCount
  const Page* page = nullptr;               // of kKeys and kBuckets
  const Entries* entries = nullptr;         // of kRead
  const Applied* applied = nullptr;         // of kApply
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
  /// How many buckets there are by the first byte of their names. Any thread may ask at any time.
  virtual BucketsByByte buckets_by_byte() const = 0;
};

}  // namespace kvmesh::store
