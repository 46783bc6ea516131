#pragma once

#include <string>
#include <utility>
#include <vector>

#include <kvmesh/status.h>
#include <zmq.hpp>

namespace kvmesh::mesh {

/// A ROUTER that listens, and can begin to listen anew with other options (a key), while those who
/// are connected go on. libzmq looks at its options only when it is bound, and when it is unbound
/// it ends all connections. So it is bound a second time, to the same socket of the kernel under
/// another number; and the number that it had gets a socket to which nobody can connect: so the
/// first listener accepts nothing any more. Each time costs two descriptors until the end.
class Listening {
 public:
  /// `router` must outlive it, and is bound; `descriptor` is the number of its listening socket.
  Listening(zmq::socket_t& router, std::string endpoint, int descriptor)
      : router_(router), endpoint_(std::move(endpoint)), descriptor_(descriptor) {}
  /// Puts all numbers back, as libzmq will look for them when it closes. Before the router closes.
  ~Listening();
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  /// From now on newcomers find the options that the router has now. kUnavailable, and nothing has
  /// changed, when there are no descriptors.
  Status begin_anew();
  int descriptor() const { return descriptor_; }

 private:
  zmq::socket_t& router_;
  std::string endpoint_;
  int descriptor_;
  std::vector<int> retired_;  // numbers at which earlier listeners accept nothing
};

}  // namespace kvmesh::mesh
