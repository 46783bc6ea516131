#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/operation.h>
#include <kvmesh/status.h>

/// Buckets with revisions: keys that are read, checked and changed together, that expire, and that
/// are scanned in their order and followed. Client and Mesh have the calls; here is what they take
/// and answer. Plain values and pure functions.
///
/// Each change of a bucket has a revision, greater than that of the change before and below 2^53;
/// 0 is none. A key has the revision of its last change. Keys and values are any bytes.
/// A time to live (`ttl`) is 1 ms to limits::kTtlMax; empty: for ever. A key whose time is over is
/// not there for any call.
namespace kvmesh {

/// What is stored under a key.
struct Entry {
  std::uint64_t rev = 0;  ///< of its last change
  std::string value;
  std::optional<std::chrono::milliseconds> ttl;  ///< that is left; empty: it does not expire

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Several keys as they were at one instant.
struct Entries {
  std::uint64_t rev = 0;                      ///< of the bucket's last change then
  std::vector<std::optional<Entry>> entries;  ///< in the order of the keys; empty: not there

  friend bool operator==(const Entries&, const Entries&) = default;
};

/// What must hold for changes to be made: the key has this revision or, with 0, is not there.
struct Check {
  std::string key{};
  std::uint64_t rev = 0;
};

/// A change of one key.
struct Change {
  enum class Kind : std::uint8_t { kPut, kErase, kAdd, kTouch, kRestore };
  using Ttl = std::optional<std::chrono::milliseconds>;
  /// Which keys that are there restore() leaves as they are.
  enum class Keep : std::uint8_t {
    kNone,
    kAll,
    kNotOlder,  ///< those whose revision is not below the one that is restored
  };

  /// Stores `value`, which expires after `ttl`, or never.
  static Change put(std::string key, std::string value, Ttl ttl = {});
  /// Removes the key; also fine when it is not there.
  static Change erase(std::string key);
  /// Adds `delta` to a number of 64 bits in decimal digits; a key that is not there counts as 0.
  /// kInvalidArgument, and nothing is changed, when the value is something else or the sum does not
  /// fit. Without `ttl` the key expires when it did before.
  static Change add(std::string key, std::int64_t delta, Ttl ttl = {});
  /// From now on the key expires after `ttl`, or never. One that is not there stays so.
  static Change touch(std::string key, Ttl ttl = {});
  /// Stores `value` as it was once, with the revision that the key had then, 1 to
  /// limits::kRevisionMax. The bucket's own revision rises as with every change, and is never below
  /// a key's; those who follow the bucket are told a put with that one.
  static Change restore(std::string key, std::string value, std::uint64_t rev, Keep keep,
                        Ttl ttl = {});

  Kind kind = Kind::kPut;
  std::string key;
  std::string value;        ///< of kPut and kRestore
  std::int64_t delta = 0;   ///< of kAdd
  Ttl ttl;                  ///< not of kErase
  std::uint64_t rev = 0;    ///< of kRestore
  Keep keep = Keep::kNone;  ///< of kRestore
};

/// The id of a call that must not be executed twice. A bucket that has executed a call with an id
/// answers the next one with that id in the same way, and changes nothing, whatever that call asks
/// for. It keeps the last 1000 ids for 60 s; not over a restart of a node that keeps nothing.
class OnceId {
 public:
  /// One that nobody else has: 128 random bits. Thread-safe.
  static OnceId make();
  /// Of 32 hexadecimal digits; dashes between them, as in a UUID, do not matter. Empty: `text` is
  /// something else.
  static std::optional<OnceId> parse(std::string_view text);
  /// As parse() takes it, without dashes.
  std::string to_string() const;
  /// limits::kOnceIdBytes of them.
  const std::string& bytes() const { return bytes_; }

  friend bool operator==(const OnceId&, const OnceId&) = default;

 private:
  explicit OnceId(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes_;
};

/// Changes of one bucket that are made together, under one revision, or not at all.
struct Apply {
  std::vector<Change> changes{};  ///< each of another key; limits::kApplyChangesMax, kApplyBytesMax
  std::vector<Check> checks{};    ///< limits::kApplyChecksMax
  /// After kOutcomeUnknown the same call with the same id is safe to repeat.
  std::optional<OnceId> once{};
};

/// What became of them. That a check did not hold is a result, not a failure.
struct Applied {
  /// The first check that did not hold.
  struct Conflict {
    std::size_t check = 0;  ///< its place in Apply::checks, from 0
    std::uint64_t rev = 0;  ///< that its key has; 0: it is not there
    friend bool operator==(const Conflict&, const Conflict&) = default;
  };
  /// Of one change.
  struct Done {
    bool was_there = false;              ///< the key, before; of kRestore: and is kept; not of kAdd
    std::optional<std::int64_t> number;  ///< of kAdd: what is stored now
    friend bool operator==(const Done&, const Done&) = default;
  };

  std::uint64_t rev = 0;             ///< of the changes; after a conflict the bucket's last one
  std::optional<Conflict> conflict;  ///< nothing was changed
  std::vector<Done> done;            ///< in the order of the changes; empty after a conflict

  bool ok() const { return !conflict; }
  friend bool operator==(const Applied&, const Applied&) = default;
};

/// What a bucket may have of its own. To change them, 0 takes one away, and one that is empty stays
/// as it is.
struct BucketOptions {
  /// Of keys that are stored without a time to live from now on; empty: they live for ever.
  std::optional<std::chrono::milliseconds> ttl{};
  /// Changes are remembered up to so many bytes, at most limits::kEventRingsBytesMax, whether
  /// somebody follows the bucket or not; empty: up to 1 MiB while somebody does.
  std::optional<std::uint64_t> history_bytes{};

  bool any() const { return ttl || history_bytes; }
  friend bool operator==(const BucketOptions&, const BucketOptions&) = default;
};

/// Which keys a page of a scan holds.
struct ScanOptions {
  std::string prefix{};                ///< keys that begin with it; empty: all
  std::optional<std::string> after{};  ///< keys greater than this one; empty: from the first
  std::uint32_t limit = 0;             ///< up to limits::kPageItemsMax; 0: kPageItemsDefault
  bool values = true;                  ///< with the values, or keys, revisions and times alone
};

struct ScanItem {
  std::string key;
  Entry entry;  ///< the value is empty when it was not asked for
  friend bool operator==(const ScanItem&, const ScanItem&) = default;
};

/// Keys in the order of their bytes, as they were at one instant. A page may be shorter than its
/// limit: only `more` says whether keys follow. Over all pages, a key that is there all the time
/// comes exactly once.
struct ScanPage {
  bool more = false;      ///< ask on, with the last key as ScanOptions::after
  std::uint64_t rev = 0;  ///< of the bucket's last change then
  std::vector<ScanItem> items;
  friend bool operator==(const ScanPage&, const ScanPage&) = default;
};

/// Which changes are told, and when.
struct ChangesOptions {
  std::string prefix{};     ///< of keys that begin with it; empty: of all
  std::uint32_t limit = 0;  ///< up to limits::kPageItemsMax; 0: kPageItemsDefault. Changes that
                            ///< were made together come together, however many
  /// How long to wait when there are none yet, up to limits::kChangesWaitMax.
  std::chrono::milliseconds wait{0};
};

/// A change that was made, by whatever call.
struct Event {
  enum class Kind : std::uint8_t {
    kPut,     ///< `value` is stored now
    kErase,   ///< the key was removed
    kTouch,   ///< it expires at another time
    kExpire,  ///< its time was over
    kDrop,    ///< the bucket is gone with all keys; `key` is empty
  };
  std::uint64_t rev = 0;  ///< changes that were made together have the same
  Kind kind = Kind::kPut;
  std::string key;
  std::string value;                             ///< of kPut
  std::optional<std::chrono::milliseconds> ttl;  ///< of kPut and kTouch, when it was told

  friend bool operator==(const Event&, const Event&) = default;
};

/// The changes after a revision, in their order, or the first of them, or none yet.
struct Events {
  /// Not all changes are known any more, and none is told: read what is needed with scan(), and
  /// then ask on. Always so when nobody has followed the bucket for a minute.
  bool reset = false;
  std::uint64_t next = 0;  ///< where to ask on
  std::vector<Event> events;
  friend bool operator==(const Events&, const Events&) = default;
};

/// "put", "erase" is "delete", "touch", "expire", "drop".
std::string_view to_string(Event::Kind kind);

namespace ops {
// For Client::call() and batches; the functions below read what they answer.
Operation read(std::string_view bucket, const std::vector<std::string>& keys);
Operation apply(std::string_view bucket, const Apply& apply);
Operation scan(std::string_view bucket, const ScanOptions& options = {});
Operation changes(std::string_view bucket, std::uint64_t since, const ChangesOptions& options = {});
Operation create(std::string_view bucket, const BucketOptions& options);
Operation options(std::string_view bucket, const BucketOptions& change = {});
}  // namespace ops

// The answers to those. The outcome's status when that is not OK; kProtocolError when the result is
// not what common/PROTOCOL.md says.
Result<Entries> entries_of(Outcome outcome);
Result<Applied> applied_of(Outcome outcome);
Result<ScanPage> scan_page_of(Outcome outcome);
Result<Events> events_of(Outcome outcome);
Result<BucketOptions> options_of(Outcome outcome);

/// The time that a call of changes() needs in all: its wait, and `timeout` for the way.
Timeout changes_timeout(const ChangesOptions& options, Timeout timeout);

}  // namespace kvmesh
