#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/store/revision.h"

namespace kvmesh::store {

/// One change of a bucket, as it is told to those who follow it.
struct Event {
  enum class Kind : std::uint8_t {
    kPut,     ///< `value` is stored now
    kDelete,  ///< the key is gone
    kTouch,   ///< it expires at another time; its value is as it was
    kExpire,  ///< the key is gone, as its time was over
    kDrop,    ///< the bucket is gone; no key
  };
  Revision rev = 0;  // changes that were made together have the same
  Kind kind = Kind::kPut;
  std::string key{};
  std::string value{};      // of kPut
  Moment expires = kNever;  // of kPut and kTouch

  /// How long the key has to live yet; none: for ever.
  std::optional<std::uint64_t> ttl_ms(Moment now) const { return time_left(expires, now); }

  friend bool operator==(const Event&, const Event&) = default;
};

/// The changes of a bucket after a revision, in their order, or the first of them.
struct Events {
  /// Not all of them are known any more: none is told, and what is stored is to be read anew.
  bool reset = false;
  /// All changes up to this one are told, or read by what is read from now on: where to go on.
  Revision next = 0;
  std::vector<Event> events;
  Moment now = 0;  // when they are told

  friend bool operator==(const Events&, const Events&) = default;
};

}  // namespace kvmesh::store
