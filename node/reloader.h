#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include <kvmesh/node.h>
#include <asio/thread_pool.hpp>

namespace kvmesh {

/// Runs reloads one after the other on a thread of its own, for files may be on a slow disk. All
/// who ask before one begins share it, so that there are never more than two, however many ask.
/// Thread-safe.
class Reloader {
 public:
  using Report = Result<Node::Reloaded>;
  using Done = std::function<void(const Report&)>;

  /// `reload` is called on the reloader's thread.
  explicit Reloader(std::function<Report()> reload) : reload_(std::move(reload)) {}
  /// Waits for a reload that has begun; those that have not are dropped.
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  /// `done` is called on the reloader's thread, with the report of a reload that began after this
  /// call. kUnavailable when there is no thread for it.
  Status ask(Done done);

 private:
  void run();

  const std::function<Report()> reload_;
  std::mutex mutex_;
  std::vector<Done> waiting_;                // for a reload that has not begun
  std::optional<asio::thread_pool> thread_;  // from the first that is asked for
};

}  // namespace kvmesh
