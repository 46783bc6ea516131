#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <asio/io_context.hpp>

#include "node/mesh/watcher.h"

namespace kvmesh {

/// Watches ZeroMQ's descriptors with asio. Asio's epoll is edge-triggered, so a wait that has fired
/// is armed anew, which asks the kernel again whether the descriptor is readable: at the next pass,
/// for it stays readable until libzmq is asked. The descriptors stay libzmq's: they are released,
/// never closed.
class DescriptorWatcher final : public mesh::Watcher {
 public:
  explicit DescriptorWatcher(asio::io_context& loop) : loop_(loop) {}

  ~DescriptorWatcher() override { unwatch_all(); }

  void watch(int fd, std::function<void()> readable) override;
  void unwatch(int fd) override;
  /// Must come before libzmq closes what is watched still.
  void unwatch_all();
  /// Call once a pass, after the sockets that had fired were emptied.
  void arm_fired();

 private:
  class Watched;
  asio::io_context& loop_;
  absl::flat_hash_map<int, std::shared_ptr<Watched>> watched_;
  std::vector<std::shared_ptr<Watched>> fired_;
};

}  // namespace kvmesh
