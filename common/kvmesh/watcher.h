#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/buckets.h>
#include <kvmesh/operation.h>
#include <kvmesh/status.h>

namespace kvmesh {

class Mesh;

struct WatchOptions {
  std::string prefix{};  ///< of keys that begin with it; empty: of all
  /// Changes after this revision, WatchNews::rev of an earlier watch; empty: from now on.
  std::optional<std::uint64_t> since{};
  /// First tell what is there, unless `since` is given; and again after each kReset.
  bool scan = false;
};

/// What a watch has to tell. In this order: kBegin; with a scan kItems and kScanned; kChanges, and
/// so on. kChanges may come between kItems: what is told of a key replaces what was told before.
struct WatchNews {
  enum class Kind : std::uint8_t {
    kBegin,    ///< all changes from here on will be told
    kReset,    ///< changes since what was told last may be missing: the node does not know them any
               ///< more, or the bucket was made anew. As kBegin from here on; with a scan all that
               ///< was told before is void
    kItems,    ///< of these keys, this is what is there
    kScanned,  ///< all keys have been told: no other is there
    kChanges,
  };
  Kind kind = Kind::kBegin;
  /// WatchOptions::since of a watch that goes on after this; 0 while a scan is not over, whose
  /// beginning is lost then.
  std::uint64_t rev = 0;
  std::vector<ScanItem> items;  ///< of kItems; at least one
  std::vector<Event> changes;   ///< of kChanges; at least one
};

/// Follows the changes of a bucket: each is told exactly once and in order, over reconnects and
/// restarts of nodes, or kReset says that some may be missing. Nothing is kept at a node between
/// two calls of next() but, for a minute, up to 1 MiB of changes of the bucket: who is slower, or
/// pauses longer, gets kReset.
///
///     auto watcher = client->watch("shopping", {.scan = true});
///     while (true) {
///       auto news = watcher.next(1min);
///       if (news) take(*news);
///     }
///
/// One thread at a time; several watchers may use one Mesh. In a task: on its own fiber.
class Watcher {
 public:
  /// Asks nobody yet. `mesh` outlives it.
  Watcher(Mesh& mesh, std::string bucket, WatchOptions options = {});
  ~Watcher();
  Watcher(Watcher&&) noexcept;
  Watcher& operator=(Watcher&&) noexcept;

  /// The next piece of news. Meanwhile nodes that are away or busy, and a bucket that was dropped
  /// after kBegin, are asked again and again.
  /// kDeadlineExceeded: none came within `timeout` (and up to a second, where a node does not
  /// answer); the text says what the last attempt ended with, if it failed. kNotFound: the bucket
  /// was not there before kBegin. kCancelled: in a task that is told to stop. kInvalidArgument,
  /// kTooLarge, kNoRoute, kUndefinedFunction and the other codes of Client::changes(): as there.
  /// Nothing is lost by any of them: the next call asks again.
  Result<WatchNews> next(Timeout timeout = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kvmesh
