// Preloaded into a process: a name server that does not answer. Names that end in ".slow" are
// resolved (to 127.0.0.1) only when the file SLOW_NAMES_UNTIL exists; all others as usual.

#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** found) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));  // NOLINT
  const bool is_slow = node != nullptr && std::string_view{node}.ends_with(".slow");
  const char* until = std::getenv("SLOW_NAMES_UNTIL");
  while (is_slow && (until == nullptr || access(until, F_OK) != 0)) usleep(10'000);
  return next(is_slow ? "127.0.0.1" : node, service, hints, found);
}
