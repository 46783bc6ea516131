#pragma once

#include <functional>

namespace kvmesh::mesh {

/// What the mesh asks of the event loop it lives in: tell when a descriptor becomes readable. As
/// long as a descriptor is readable, the loop tells so each time that it would sleep otherwise.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;

  virtual void watch(int fd, std::function<void()> readable) = 0;
  /// No call comes after this returns. Does not close the descriptor.
  virtual void unwatch(int fd) = 0;
};

}  // namespace kvmesh::mesh
