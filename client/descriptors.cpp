#include "client/descriptors.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace kvmesh::client {
namespace {

// Of a context with its threads, a socket with its monitor, and the connection.
constexpr std::size_t kNeeded = 20;

}  // namespace

Status check_descriptors() {
  std::array<int, kNeeded> opened{};
  std::size_t count = 0;
  int reason = 0;
  while (count < opened.size() && reason == 0) {
    const int descriptor = eventfd(0, EFD_CLOEXEC);
    reason = descriptor < 0 ? errno : 0;
    if (reason == 0) opened[count++] = descriptor;
  }
  for (std::size_t i = 0; i < count; ++i) close(opened[i]);
  if (reason == 0) return {};
  return {StatusCode::kInternal, "a client needs " + std::to_string(kNeeded) +
                                     " descriptors, and there are only " + std::to_string(count) +
                                     " (" + std::generic_category().message(reason) +
                                     "); close some, or allow more with ulimit -n"};
}

}  // namespace kvmesh::client
