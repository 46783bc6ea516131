#pragma once

#include <kvmesh/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/command/transfer/record.h"
#include "common/name_hash.h"

namespace kvmesh::command {

/// What of an import is to be sent when, so that many requests are under way at once and yet every
/// bucket ends as if its lines had been executed one after the other.
///
/// A bucket is created before its first line. A failure that may pass (the node is away,
/// overloaded, too late, or the outcome is unknown) holds its bucket: nothing more of it is sent
/// until all its requests are answered; then the failed line is tried alone, with growing pauses;
/// when it succeeds, everything after it is sent, also what had succeeded already, for the failed
/// one must not be stored over it. That is safe since creating and putting again has no effect of
/// its own. After `retry_for` without success the line is given up.
///
/// A bucket that was created here and is gone (its node began anew, or somebody dropped it) is
/// created again, unless that does not help; the lines that were stored in it are lost.
///
/// Invariant: a line is settled exactly once, after all earlier lines of its bucket. Memory: the
/// window, and about 200 bytes and its name for every bucket. No clock, no I/O; owned by one
/// thread.
class ImportOrder {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Id = std::uint32_t;

  struct Options {
    std::size_t requests_max = 4096;
    std::size_t bytes_max = std::size_t{16} * 1024 * 1024;
    std::chrono::milliseconds retry_for{10'000};
    std::chrono::milliseconds pause_min{20};
    std::chrono::milliseconds pause_max{1000};
    bool create = true;  // buckets on first sight
  };
  enum class Kind : std::uint8_t { kCreate, kPut, kCheck };  // kCheck: that a bucket exists
  struct Settled {
    std::uint64_t line = 0;
    Status status;  // kUnavailable also for what was never sent because of abandon()
  };

  explicit ImportOrder(Options options) : options_(options) {}

  /// Whether one more line may be added; the window is exceeded by at most that one, and by a
  /// request for each bucket that is created again.
  bool has_room() const { return used_ < options_.requests_max && bytes_ < options_.bytes_max; }
  void add(std::uint64_t line, Record record);

  /// A request to send now, of those that may be sent. Each is answered by one call of
  /// on_outcome().
  std::optional<Id> next_to_send(Time now);
  /// Valid until on_outcome() of the same request.
  Kind kind(Id id) const { return items_[id].kind; }
  const Record& record(Id id) const { return items_[id].record; }
  const std::string& bucket(Id id) const { return *items_[id].bucket->name; }

  void on_outcome(Id id, Status status, Time now);
  /// Lines whose fate is known, each once.
  std::optional<Settled> next_settled();

  /// When next_to_send() will have a request again although nothing else happens; empty: never.
  std::optional<Time> next_retry() const;
  std::size_t in_flight() const { return in_flight_; }
  /// All that was added is settled (and perhaps not yet fetched by next_settled()).
  bool idle() const { return used_ == 0; }
  /// Sends nothing more: what is not under way is settled as failed, and what is gets no second
  /// try.
  void abandon();
  /// Buckets of which at least one line was stored and is not lost.
  std::uint64_t buckets_stored() const { return buckets_stored_; }
  /// The node of all buckets that are `its` began anew at `began`: what was stored in those that
  /// are older is lost. Of one that somebody else has created again meanwhile everything counts.
  void on_restart(const std::function<bool(std::string_view)>& its, Time began);
  /// Lines that were settled as stored, and then lost with their bucket.
  std::uint64_t lost() const { return lost_; }

 private:
  static constexpr Id kNone = std::numeric_limits<Id>::max();
  enum class State : std::uint8_t { kUnsent, kInFlight, kOk, kAgain, kFailed };

  struct Bucket {
    const std::string* name = nullptr;
    Id head = kNone;  // the oldest line that is not settled
    Id tail = kNone;
    Id next = kNone;  // to be sent
    std::uint32_t in_flight = 0;
    bool created = false;
    bool stored = false;
    bool queued = false;   // in ready_
    bool holding = false;  // something of it failed and will be tried again
    bool probing = false;  // holding, and the request in flight is that try
    bool probe_due = false;
    bool given_up = false;        // retried long enough: one try for each line until one succeeds
    bool gone = false;            // holding, until it is created again
    std::uint8_t made_again = 0;  // times, since a line of it was stored
    std::uint64_t lines_stored = 0;  // settled as stored, and not lost
    std::optional<Time> since;       // its life of now was asked for, or first seen, then
    Time create_sent;
    Time trouble_since;
    std::chrono::milliseconds pause{0};
    Status create_error;
  };
  struct Item {
    Record record;  // its bucket name is empty: it is the key of the map
    std::uint64_t line = 0;
    std::size_t bytes = 0;
    Bucket* bucket = nullptr;
    Id next = kNone;
    Kind kind = Kind::kPut;
    State state = State::kUnsent;
    bool reported = false;  // stands for a line; else made up by us
    Status status;
  };

  Id new_item(Bucket& bucket, Kind kind, bool reported, std::uint64_t line, Record record);
  void append(Bucket& bucket, Kind kind, bool reported, std::uint64_t line, Record record);
  void make_again(Bucket& bucket);
  void lose(Bucket& bucket);
  void make_ready(Bucket& bucket);
  void succeed(Item& item, Time now);
  void fail(Item& item, Time now);
  bool may_retry(Bucket& bucket, Time now);
  void rewind(Bucket& bucket, Time now);
  void end_trouble(Bucket& bucket);
  void settle_front(Bucket& bucket);
  void settle(Item& item);

  Options options_;
  std::vector<Item> items_;
  std::vector<Id> free_;
  std::unordered_map<std::string, Bucket, NameHash> buckets_;
  std::deque<Bucket*> ready_;
  std::multimap<Time, Bucket*> retries_;
  std::deque<Settled> settled_;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t buckets_stored_ = 0;
  std::uint64_t lost_ = 0;
  std::optional<Time> failing_since_;  // no request of any bucket has succeeded since
  Time last_failure_;
  bool abandoned_ = false;
};

}  // namespace kvmesh::command
