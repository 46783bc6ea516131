#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include <kvmesh/status.h>

#include "common/deadline.h"
#include "node/store/bucket_options.h"
#include "node/store/change.h"
#include "node/store/entry.h"
#include "node/store/event.h"
#include "node/store/page.h"

namespace kvmesh::store {

/// What only some operations have.
struct OpMore {
  std::vector<std::string_view> keys{};  // of kRead
  std::vector<Check> checks{};           // of kApply
  std::vector<Change> changes{};         // of kApply
  std::string_view once{};               // of kApply; empty: none
  std::string_view prefix{};             // of kScan and kChanges
  bool values = false;                   // of kScan: they are wanted, too
  Revision since = 0;                    // of kChanges
  std::chrono::milliseconds wait{0};     // of kChanges
  BucketOptions options{};               // of kCreate, kOptions
  NameFilter visible{};                  // of kBuckets; empty: all
};

/// One operation on what a node keeps. Names and values are any bytes, none included; their sizes
/// were checked before (limits.h). What it points to lives until Session::execute() returns.
struct Op {
  enum class Kind : std::uint8_t {
    kCreate,   ///< makes an empty bucket with these options; one that exists stays as it is
    kDrop,     ///< removes the bucket with all its keys
    kPut,      ///< stores `value` under `key`, in place of what was there
    kGet,      ///< reads the value of `key`
    kErase,    ///< removes `key`; OK also when it is not there
    kCount,    ///< counts the keys of the bucket
    kKeys,     ///< lists the keys of the bucket: one page of them
    kBuckets,  ///< the same of the buckets
    kRead,     ///< reads `keys` with their revisions, in one instant
    kApply,  ///< makes `changes`, all or none, if all `checks` hold; no key is changed twice. With
             ///< an id that was given `once` before, and is still known: only its first answer
    kScan,   ///< reads the keys that begin with `prefix`: one page of them, in one instant
    kOptions,  ///< changes the bucket's options, if it says some, and tells what they are then
    kChanges,  ///< tells the changes after the revision `since` of keys that begin with `prefix`;
               ///< when there are none, it waits for some
  };
  Kind kind = Kind::kGet;
  std::string_view bucket;       // of all but kBuckets
  std::string_view key;          // of kPut, kGet, kErase
  std::string_view value;        // of kPut
  PageLimits page;               // of kKeys, kBuckets, kScan, kChanges
  const OpMore* more = nullptr;  // of kRead and all that follow, and of kCreate and kBuckets if
                                 // they have some
  TimePoint deadline{};          // its result is of no use to anybody later
};

/// What an operation found, or made: of kKeys and kBuckets, kRead, kApply, kScan, kChanges,
/// kOptions.
using Found = std::variant<Page, Entries, Applied, ScanPage, Events, BucketOptions>;

/// How an operation ended. The status is OK, or:
///   kNotFound          the bucket does not exist (kCreate and kBuckets never say so);
///   kFull              kCreate, kPut and kApply: it would pass the engine's bound, so nothing was
///                      changed; a put of a value no longer than the one it replaces is never
///                      refused so, unless it expires and the old one did not. kScan: there is no
///                      memory to put the keys in their order; kChanges, kOptions: there is none to
///                      remember them;
///   kInvalidArgument   kApply only: a number is to be added to what is none, or the sum does not
///                      fit 64 bits, or a revision to be restored is more than a day ahead of the
///                      clock; nothing was changed;
///   kTooLarge          kRead only: the values take more than a reply holds (limits.h);
///   kOverloaded        too many operations wait; it was not executed;
///   kUnavailable       what the engine stands on is not there; it was not executed;
///   kDeadlineExceeded  its time was over before it was begun, and it never will be;
///   kOutcomeUnknown    it may have been executed, or may be yet.
struct OpResult {
  Status status{};
  std::optional<std::string_view> value{};  // of kGet; none: there is no such key
  std::optional<std::uint64_t> count{};     // of kCount
  const Found* found = nullptr;             // of what has more to say
};

}  // namespace kvmesh::store
