#include "common/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace kvmesh {
namespace {

// Whether `descriptor` is open, and not only for `other`.
bool is_open_beyond(int descriptor, int other) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != other;
}

}  // namespace

void open_standard_descriptors() {
  constexpr std::array<int, 3> kModes = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // All below are open, so this is the one that it gives.
    (void)::open("/dev/null", kModes[static_cast<std::size_t>(descriptor)]);
  }
}

bool has_standard_input() { return is_open_beyond(STDIN_FILENO, O_WRONLY); }

Status write_standard_output(std::string_view text) {
  errno = 0;
  const bool written =
      text.empty() || std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  const int reason = errno;  // 0: it failed before
  if (!is_open_beyond(STDOUT_FILENO, O_RDONLY)) {
    return {StatusCode::kInvalidArgument, "cannot write to standard output: it is closed"};
  }
  std::string why = "cannot write to standard output";
  if (reason != 0) why += ": " + std::generic_category().message(reason);
  return {StatusCode::kUnavailable, why};
}

}  // namespace kvmesh
