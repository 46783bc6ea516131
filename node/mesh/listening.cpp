#include "node/mesh/listening.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "node/mesh/kernel_socket.h"

namespace kvmesh::mesh {
namespace {

Status failed(const std::string& why) {
  return {StatusCode::kUnavailable, "the mesh port cannot take another key: " + why};
}

Status failed_call() { return failed(std::generic_category().message(errno)); }

// Listens, and drops whatever is sent there: accept() finds nothing, and fails as libzmq expects it
// to.
int deaf_socket() {
  const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (out < 0) return out;
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const address = reinterpret_cast<const sockaddr*>(&any);  // NOLINT: how it is called
  if (set_closed(socket_at(out), true) && ::bind(out, address, sizeof any) == 0 &&
      ::listen(out, 1) == 0) {
    return out;
  }
  const int error = errno;
  ::close(out);
  errno = error;
  return -1;
}

}  // namespace

Status Listening::begin_anew() {
  const int deaf = deaf_socket();
  if (deaf < 0) return failed_call();
  const int next = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (next < 0) {
    auto status = failed_call();
    ::close(deaf);
    return status;
  }
  try {
    router_.set(zmq::sockopt::use_fd, next);
    router_.bind(endpoint_);
  } catch (const zmq::error_t& error) {
    ::close(deaf);
    ::close(next);
    return failed(error.what());
  }
  (void)::dup3(deaf, descriptor_, O_CLOEXEC);  // of two numbers in use it cannot fail
  ::close(deaf);
  retired_.push_back(std::exchange(descriptor_, next));
  return {};
}

Listening::~Listening() {
  for (const int number : retired_) (void)::dup3(descriptor_, number, O_CLOEXEC);
}

}  // namespace kvmesh::mesh
