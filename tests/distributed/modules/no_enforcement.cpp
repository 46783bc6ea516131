// Preloaded into a process: a libzmq that does not know ZMQ_ZAP_ENFORCE_DOMAIN, and so would let
// everybody in while nobody answers for the mesh port.

#include <dlfcn.h>

#include <cerrno>
#include <cstddef>

extern "C" __attribute__((visibility("default"))) int zmq_setsockopt(void* socket, int option,
                                                                     const void* value,
                                                                     std::size_t size) {
  constexpr int kEnforceDomain = 93;
  if (option == kEnforceDomain) {
    errno = EINVAL;
    return -1;
  }
  using Set = int (*)(void*, int, const void*, std::size_t);
  static const auto kReal = reinterpret_cast<Set>(dlsym(RTLD_NEXT, "zmq_setsockopt"));
  return kReal(socket, option, value, size);
}
