#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <kvmesh/status.h>

#include "node/journal/change.h"
#include "node/store/key_places.h"
#include "node/store/revision.h"

namespace kvmesh::store {

/// Where operations of one session write down what they change, before anybody is told: one after
/// the other, each under the lock of its bucket. And what they have seen of others' changes, so
/// that nobody is told of those too early. Of one thread; see Turn.
class LogRoom {
 public:
  /// `places`: of the engine's keys; outlives this.
  explicit LogRoom(KeyPlaces& places) : places_(places) {}
  LogRoom(const LogRoom&) = delete;
  LogRoom& operator=(const LogRoom&) = delete;
  virtual ~LogRoom() = default;

  /// At least room for changes of so many bytes (journal::staged_bytes()), before anything is
  /// changed; what an operation did not use, or asked for before it was tried again, counts.
  /// kOverloaded: too much waits to be written; kUnavailable: nothing is written any more, and why.
  virtual Status reserve(std::size_t bytes) = 0;
  /// No operation is under way: what was written is on its way, and room that was not used is given
  /// back.
  virtual void flush() = 0;
  /// All of these become durable, or none. REQUIRES: room for them is reserved.
  Place write(std::span<const journal::Change> changes, Revision revision) {
    const auto place = append(changes, revision);
    saw(place);
    return place;
  }
  /// A change of this key was written there.
  void wrote_key(std::uint64_t key_hash, Place place) { places_.raise(key_hash, place); }

  /// An operation has seen what was changed there, or the key as it is now.
  void saw(Place place) { seen_ = std::max(seen_, place); }
  /// No change of the key was written after `last`.
  void saw_key(std::uint64_t key_hash, Place last) { saw(std::min(places_.of(key_hash), last)); }
  /// The last of all places that were written or seen since this was asked last.
  Place take_seen() { return std::exchange(seen_, 0); }

 private:
  virtual Place append(std::span<const journal::Change> changes, Revision revision) = 0;

  KeyPlaces& places_;
  Place seen_ = 0;
};

/// When an operation is executed, and where it writes down what it changes.
struct Turn {
  Turn(Moment at = 0) : now(at) {}  // NOLINT: implicit; nothing outlives the process
  Turn(Moment at, LogRoom* log_room) : now(at), room(log_room) {}

  Moment now;
  LogRoom* room = nullptr;
};

/// What outlives the process, in the order in which it was written. Thread-safe.
class ChangeLog {
 public:
  ChangeLog() = default;
  ChangeLog(const ChangeLog&) = delete;
  ChangeLog& operator=(const ChangeLog&) = delete;
  virtual ~ChangeLog() = default;

  /// A number for a new bucket, never given before.
  virtual journal::BucketId new_bucket() = 0;
  /// What one session writes through. Must not outlive this.
  virtual std::unique_ptr<LogRoom> room(KeyPlaces& places) = 0;
  /// All that was written up to there will be there after a restart. Never goes back.
  virtual Place durable() const = 0;
  /// Whether nothing becomes durable any more, and why; none: it works.
  virtual bool has_failed() const = 0;
  virtual std::optional<std::string> failure() const = 0;
};

}  // namespace kvmesh::store
