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
  std::string_view from;  ///< the pid of the process that asked for it; empty: none
};

/// Says on stderr, in one line, that `user` overran its stack of that many bytes, and what to do.
/// What cannot be written within a second is lost. Async-signal-safe.
void say_overrun(const StackUser& user, std::size_t stack_bytes) noexcept;

/// From now on a thread that faults in a guard says so with say_overrun() before the fault takes
/// its course: the handler that was there before is called, or the process ends by the signal, with
/// a core where the system makes one. All other faults take their course at once.
///
/// `find` is called by the handler, on the thread that faulted: whether `address` is in the guard
/// of the stack that this thread runs on, and then whose and how large it is. It must be
/// async-signal-safe. Does nothing under the sanitizers, which have handlers of their own, and when
/// called again.
using FindOverrun = bool (*)(const void* address, StackUser& user, std::size_t& stack_bytes);
void watch_for_overruns(FindOverrun find);

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
