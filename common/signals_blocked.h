#pragma once

#include <signal.h>  // NOLINT(modernize-deprecated-headers): pthread_sigmask is POSIX

namespace kvmesh {

// Threads that begin meanwhile get no signals: a write beyond a limit of the process, or any other
// signal, is for the program's own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace kvmesh
