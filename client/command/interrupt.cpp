#include "client/command/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace kvmesh::command {
namespace {

volatile std::sig_atomic_t interrupt_seen = 0;
volatile std::sig_atomic_t to_wake = -1;

extern "C" void remember_interrupt(int) {
  interrupt_seen = 1;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(static_cast<int>(to_wake), &one, sizeof one);
}

}  // namespace

void catch_interrupt(int wake_descriptor) {
  to_wake = wake_descriptor;
  struct sigaction action {};
  action.sa_handler = remember_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return interrupt_seen != 0; }

}  // namespace kvmesh::command
