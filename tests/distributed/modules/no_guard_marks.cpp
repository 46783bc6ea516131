// Preloaded into a process: a system older than Linux 6.13, which does not know MADV_GUARD_INSTALL.

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

extern "C" __attribute__((visibility("default"))) int madvise(void* address, std::size_t bytes,
                                                              int advice) noexcept {
  constexpr int kGuardInstall = 102;
  if (advice == kGuardInstall) {
    errno = EINVAL;
    return -1;
  }
  return static_cast<int>(syscall(SYS_madvise, address, bytes, advice));
}
