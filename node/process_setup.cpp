#include "node/process_setup.h"

#include <csignal>
#include <initializer_list>

namespace kvmesh {

void prepare_signals() {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&taken, number);
  pthread_sigmask(SIG_UNBLOCK, &taken, nullptr);
  struct sigaction pipe {};
  if (::sigaction(SIGPIPE, nullptr, &pipe) == 0 && pipe.sa_handler == SIG_DFL) {
    pipe.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &pipe, nullptr);
  }
}

}  // namespace kvmesh
