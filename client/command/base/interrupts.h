#pragma once

#include <kvmesh/status.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <thread>

namespace kvmesh::command {

/// Interrupts (SIGINT, Ctrl-C) as something to wait for, from construction to release(). There is
/// at most one of these at a time, and none beside catch_interrupt(), which takes the same signal.
/// Where interrupts are ignored they stay so.
class Interrupts {
 public:
  /// What becomes of one that comes while nobody has looked at the one before.
  enum class Unseen : std::uint8_t {
    kWaits,        ///< nothing more than of the first
    kEndsProcess,  ///< as usual: whoever is to look may wait for a terminal that is not read
  };
  explicit Interrupts(Unseen unseen = Unseen::kWaits);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// Readable when one has come.
  int descriptor() const { return descriptor_; }
  /// Whether one has come since the last call.
  bool take() const;
  /// From now on an interrupt ends the process as usual. Thread-safe.
  void release();

 private:
  int descriptor_;
  bool holds_ = false;
  struct sigaction before_ {};
};

/// Calls `on_interrupt`, on a thread of its own, for each interrupt that comes as long as it lives.
class OnInterrupt {
 public:
  OnInterrupt(Interrupts& interrupts, std::function<void()> on_interrupt);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  int end_;  // an eventfd
  std::thread thread_;
};

/// While it lives an interrupt breaks off the command that runs in the shell. One at a time; one
/// thread.
class BreaksOff {
 public:
  explicit BreaksOff(Interrupts& interrupts);
  ~BreaksOff();
  BreaksOff(const BreaksOff&) = delete;
  BreaksOff& operator=(const BreaksOff&) = delete;
};

/// Whether the command is to end: an interrupt has come since the BreaksOff was made. False where
/// there is none.
bool broken_off();
/// Readable when broken_off() has become true; -1 where there is no BreaksOff.
int break_descriptor();
/// kCancelled, saying so.
Status interrupted_status();

/// Makes the first SIGINT or SIGTERM wake up `wake_descriptor` (an eventfd) and be remembered; a
/// second one ends the process as usual, but in the shell, where it is remembered too.
void catch_interrupt(int wake_descriptor);

/// Whether one has come, and a second one.
bool interrupted();
bool interrupted_again();

/// What catch_interrupt() has changed since this was made is undone at its end, so that it may be
/// called beside an Interrupts meanwhile.
class InterruptsAsBefore {
 public:
  InterruptsAsBefore();
  ~InterruptsAsBefore();
  InterruptsAsBefore(const InterruptsAsBefore&) = delete;
  InterruptsAsBefore& operator=(const InterruptsAsBefore&) = delete;

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace kvmesh::command
