#include "node/process_setup.h"

#include <malloc.h>
#include <sys/prctl.h>

#include <csignal>
#include <initializer_list>

namespace kvmesh {

void prepare_signals() {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&taken, number);
  pthread_sigmask(SIG_UNBLOCK, &taken, nullptr);
  // A write that cannot be done is an error of that write.
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
      action.sa_handler = SIG_IGN;
      ::sigaction(number, &action, nullptr);
    }
  }
}

void hide_memory() { (void)::prctl(PR_SET_DUMPABLE, 0); }

// It writes one number, which other threads, if the program has some already, see sooner or later.
void prepare_memory() { (void)::mallopt(M_MXFAST, 0); }  // NOLINT(concurrency-mt-unsafe)

}  // namespace kvmesh
