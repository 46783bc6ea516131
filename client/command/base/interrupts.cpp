#include "client/command/base/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace kvmesh::command {

namespace {

std::atomic<int> wake_up{-1};
std::atomic<bool> unseen_ends{false};
static_assert(std::atomic<int>::is_always_lock_free, "a signal's handler reads it");
static_assert(std::atomic<bool>::is_always_lock_free, "this one too");

void raise_event(int descriptor) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(descriptor, &one, sizeof one);
}

extern "C" void on_signal(int) {
  const int before = errno;
  pollfd seen{wake_up, POLLIN, 0};
  if (unseen_ends && poll(&seen, 1, 0) > 0) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);  // takes its course when this returns
  }
  raise_event(wake_up);
  errno = before;
}

int new_event() {
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) std::abort();
  return descriptor;
}

bool take_event(int descriptor) {
  std::uint64_t count = 0;
  return read(descriptor, &count, sizeof count) > 0;
}

}  // namespace

Interrupts::Interrupts(Unseen unseen) : descriptor_(new_event()) {
  wake_up = descriptor_;
  unseen_ends = unseen == Unseen::kEndsProcess;
  sigaction(SIGINT, nullptr, &before_);
  if (before_.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // what is being written must not break off
  sigaction(SIGINT, &action, nullptr);
  holds_ = true;
}

Interrupts::~Interrupts() {
  release();
  wake_up = -1;
  close(descriptor_);
}

bool Interrupts::take() const { return take_event(descriptor_); }

void Interrupts::release() {
  if (holds_) sigaction(SIGINT, &before_, nullptr);
}

OnInterrupt::OnInterrupt(Interrupts& interrupts, std::function<void()> on_interrupt)
    : end_(new_event()) {
  thread_ = std::thread{[this, &interrupts, call = std::move(on_interrupt)] {
    std::array<pollfd, 2> waits{pollfd{end_, POLLIN, 0},
                                pollfd{interrupts.descriptor(), POLLIN, 0}};
    while (true) {
      if (poll(waits.data(), waits.size(), -1) < 0) continue;
      if (waits[0].revents != 0) return;
      if (waits[1].revents != 0 && interrupts.take()) call();
    }
  }};
}

OnInterrupt::~OnInterrupt() {
  raise_event(end_);
  thread_.join();
  close(end_);
}

namespace {

Interrupts* breaker = nullptr;
bool is_broken_off = false;

}  // namespace

BreaksOff::BreaksOff(Interrupts& interrupts) {
  (void)interrupts.take();
  breaker = &interrupts;
  is_broken_off = false;
}

BreaksOff::~BreaksOff() {
  breaker = nullptr;
  is_broken_off = false;
}

bool broken_off() {
  if (breaker == nullptr || is_broken_off || !breaker->take()) return is_broken_off;
  is_broken_off = true;
  if (isatty(STDERR_FILENO) != 0) std::fputs("\n", stderr);  // after the terminal's ^C
  return true;
}

int break_descriptor() { return breaker == nullptr ? -1 : breaker->descriptor(); }

Status interrupted_status() { return {StatusCode::kCancelled, "interrupted"}; }

namespace {

volatile std::sig_atomic_t interrupt_seen = 0;
volatile std::sig_atomic_t to_wake = -1;

extern "C" void remember_interrupt(int) {
  interrupt_seen = interrupt_seen + 1;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(static_cast<int>(to_wake), &one, sizeof one);
}

}  // namespace

void catch_interrupt(int wake_descriptor) {
  to_wake = wake_descriptor;
  struct sigaction action {};
  action.sa_handler = remember_interrupt;
  if (breaker == nullptr) action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return interrupt_seen != 0; }
bool interrupted_again() { return interrupt_seen > 1; }

InterruptsAsBefore::InterruptsAsBefore() {
  sigaction(SIGINT, nullptr, &interrupt_);
  sigaction(SIGTERM, nullptr, &terminate_);
}

InterruptsAsBefore::~InterruptsAsBefore() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
  to_wake = -1;
  interrupt_seen = 0;
}

}  // namespace kvmesh::command
