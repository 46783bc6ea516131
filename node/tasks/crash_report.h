#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvmesh::tasks {

/// What runs on a stack, for messages about it. The texts are others' and outlive their use here.
struct StackUser {
  std::string_view function;  ///< "module.function", or a server's name; empty: not known
  std::string_view node;      ///< `node` and `id` are its pid
  std::uint64_t id = 0;
  std::string_view from;          ///< the pid of the process that asked for it; empty: none
  std::string_view handler = {};  ///< of a server: the function that it executes; empty: none
};

/// Says on stderr, in one line as those of the log, that `user` overran its stack of that many
/// bytes, and what to do. What cannot be written within a second is lost. Aborts then.
[[noreturn]] void end_overrun(const StackUser& user, std::size_t stack_bytes) noexcept;

/// Where a thread has crashed.
struct CrashSite {
  bool in_task = false;
  StackUser user;              ///< of a task
  std::size_t overrun_of = 0;  ///< not 0: the fault is in the guard of its stack of that many bytes
};

/// From now on a thread that faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL) or aborts says so on stderr,
/// in one line: which task it was, and why. Then the signal takes its course: the process ends by
/// it, with a core where the system makes one. Signals that other processes send are not reported.
///
/// A program that handles some of these signals when this is called keeps its handlers: SIGFPE,
/// SIGILL and SIGABRT are left to it, and of SIGSEGV and SIGBUS only an overrun of a stack is told
/// before its handler is called.
///
/// A task that calls exit() or quick_exit() is told too, and the process ends with status 1: 0
/// would mean that it was stopped as asked.
///
/// `find` is called on the thread that has crashed, with the address of the fault or null. It must
/// be async-signal-safe. Signals are left alone under the sanitizers, which have handlers of their
/// own. Does nothing when called again. Thread-safe.
using FindCrash = void (*)(const void* address, CrashSite& site);
void watch_for_crashes(FindCrash find);

/// The node that lines about threads without a task name; the first one of the process.
void name_in_crashes(std::string_view node);

/// Takes note how far local time is from UTC, which a crash can no longer ask. Call it now and
/// then: that changes twice a year. Thread-safe.
void note_local_time();

/// While it exists, handlers of faults of the thread that made it have a stack of their own: one
/// that is overrun has no room for them. Made and destroyed by the same thread.
class FaultStack {
 public:
  FaultStack();
  ~FaultStack();
  FaultStack(const FaultStack&) = delete;
  FaultStack& operator=(const FaultStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace kvmesh::tasks
