#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "node/store/revision.h"

/// What is changed of several keys of one bucket at once.
namespace kvmesh::store {

/// A condition: the key's last change is this revision; 0: there is no such key.
struct Check {
  std::string_view key;
  Revision rev = 0;
};

struct Change {
  enum class Kind : std::uint8_t {
    kPut,     ///< stores `value`; without `ttl_ms` it never expires
    kDelete,  ///< removes the key; one that is not there is no fault
    kAdd,     ///< adds `delta` to the number that the value is in decimal digits, a key that is not
              ///< there being 0; without `ttl_ms` it expires when it did before
    kTouch,   ///< has the key expire after `ttl_ms`, or without it never; the value stays. One that
              ///< is not there is no fault
    kRestore,  ///< stores `value` as of an earlier change, with that change's revision, unless what
               ///< is there is to be kept
  };
  /// Which keys that are there kRestore leaves as they are.
  enum class Keep : std::uint8_t {
    kNone,
    kAll,
    kNotOlder,  ///< those whose revision is not below the one that is restored
  };
  Kind kind = Kind::kPut;
  std::string_view key;
  std::string_view value{};               // of kPut and kRestore
  std::int64_t delta = 0;                 // of kAdd
  std::optional<std::uint64_t> ttl_ms{};  // not 0
  Revision rev = 0;                       // of kRestore; not 0
  Keep keep = Keep::kNone;                // of kRestore
};

/// Conditions and changes of one call.
struct Changes {
  std::span<const Check> checks;
  std::span<const Change> changes;
  /// An id of this call; empty: it has none.
  std::string_view once{};
};

/// What became of changes. All are made, or none: a check failed.
struct Applied {
  /// The revision of all of them; when a check failed, or nothing was to change, that of the
  /// bucket's last change.
  Revision rev = 0;
  struct Each {
    bool was_there = false;              // the key, before; of kRestore: and is kept
    std::optional<std::int64_t> number;  // of kAdd: what is stored now
    friend bool operator==(const Each&, const Each&) = default;
  };
  std::vector<Each> each;  // in the order of the changes
  /// The first check that failed, and the revision that its key has.
  std::optional<std::size_t> failed;
  Revision failed_rev = 0;

  friend bool operator==(const Applied&, const Applied&) = default;
};

}  // namespace kvmesh::store
