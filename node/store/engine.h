#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <kvmesh/status.h>

#include "node/store/page.h"

namespace kvmesh::store {

/// A stored value: a small struct, so that versions and expiry can join it.
struct ValueView {
  std::string_view bytes;
};

/// How full an engine is, for `node.info`.
struct Usage {
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  // of memory that counts against kv.memory_max
  std::uint64_t bytes_max = 0;
};

/// Receives a value where it lies, so that it is copied once, to where it is wanted. Runs under a
/// lock: it must be short, must not throw, and must not call the engine.
using ValueVisitor = absl::FunctionRef<void(ValueView)>;

/// Where a node keeps its buckets. Names and values are any bytes, none included; their sizes were
/// checked before (limits.h). Every method answers OK, or:
///   kNotFound  the bucket does not exist (create, scan_buckets and usage never say so);
///   kFull      create and put only: it would pass the memory bound, so nothing was changed; a put
///              of a value no longer than the one it replaces is never refused so.
///
/// No method waits for anything but memory and short locks, so a reactor calls them inline. An
/// engine that must wait (a disk, another machine) is run by handlers that answer later; it is not
/// squeezed behind these calls.
///
/// Thread-safe: reactors share one engine.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// Makes an empty bucket; OK also when it exists already, and then its keys stay.
  virtual Status create(std::string_view bucket) = 0;
  /// Removes the bucket with all its keys.
  virtual Status drop(std::string_view bucket) = 0;
  /// Stores `value` under `key`, in place of what was there.
  virtual Status put(std::string_view bucket, std::string_view key, ValueView value) = 0;
  /// Calls `found` once with the value, which lives only during the call, and answers true; answers
  /// false without a call when there is no such key.
  virtual Result<bool> get(std::string_view bucket, std::string_view key, ValueVisitor found) = 0;
  /// Before a put, get or erase of this key, and others between: asks the processor to fetch what
  /// that will read, first the key's place, then, when that may have come, its record. Only a hint;
  /// does nothing unless an engine overrides it.
  virtual void prefetch_place(std::string_view bucket, std::string_view key);
  virtual void prefetch_record(std::string_view bucket, std::string_view key);
  /// Removes the key; OK also when it is not there.
  virtual Status erase(std::string_view bucket, std::string_view key) = 0;
  virtual Result<std::uint64_t> count(std::string_view bucket) = 0;
  /// Goes on with a page of the bucket's keys by a piece of work that a reactor may do in one go;
  /// true: the page is complete. A key that was there from the first call to the last is in the
  /// page if it belongs there; one that was put or erased meanwhile may be or not.
  virtual Result<bool> scan_keys(std::string_view bucket, Listing& page) = 0;
  /// The same for the names of buckets.
  virtual bool scan_buckets(Listing& page) = 0;
  /// So many names are looked at in one go, more or less.
  static constexpr std::size_t kScanStep = 4096;
  /// The whole page, however long it takes: for few names, and for tests.
  Result<Page> list_keys(std::string_view bucket, std::optional<std::string_view> after,
                         std::size_t items_max, std::size_t bytes_max);
  Result<Page> list_buckets(std::optional<std::string_view> after, std::size_t items_max,
                            std::size_t bytes_max);
  /// Does a piece of what was put off, for less than a millisecond. Called every tick.
  virtual void tidy();
  virtual Usage usage() const = 0;
};

inline void Engine::prefetch_place(std::string_view /*bucket*/, std::string_view /*key*/) {}
inline void Engine::prefetch_record(std::string_view /*bucket*/, std::string_view /*key*/) {}

inline void Engine::tidy() {}

inline Result<Page> Engine::list_keys(std::string_view bucket,
                                      std::optional<std::string_view> after, std::size_t items_max,
                                      std::size_t bytes_max) {
  Listing page(after, items_max, bytes_max);
  for (;;) {
    const auto complete = scan_keys(bucket, page);
    if (!complete) return complete.status();
    if (*complete) return std::move(page).finish();
  }
}

inline Result<Page> Engine::list_buckets(std::optional<std::string_view> after,
                                         std::size_t items_max, std::size_t bytes_max) {
  Listing page(after, items_max, bytes_max);
  while (!scan_buckets(page)) {
  }
  return std::move(page).finish();
}

}  // namespace kvmesh::store
