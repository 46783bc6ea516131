#pragma once

#include <cstddef>

#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {

/// Execution on a stack of its own: a thread resumes it, it suspends itself, and any thread may
/// resume it again. What the language keeps for each thread about exceptions (which are being
/// handled, how many unwind the stack) goes with it, so it may suspend itself inside a catch block
/// or a destructor. Other thread_local values and errno are those of the thread that runs it.
///
/// It is Boost.Context's jump below its class `fiber`: that one enters a new stack twice and leaves
/// no place to tell the sanitizers about it.
///
/// Not thread-safe: whoever passes it from thread to thread orders their calls.
class FiberSwitch {
 public:
  using Body = void (*)(void* argument);

  /// Makes `body(argument)` what the next resume() begins, on the `bytes` from `low` upwards.
  /// `body` must not throw. REQUIRES: the previous body, if any, has ended.
  void begin(std::byte* low, std::size_t bytes, Body body, void* argument);

  /// Runs the body on the calling thread until it suspends itself or ends. REQUIRES: it has not
  /// ended, and the caller is not itself such a body.
  void resume();

  /// Returns from the resume() under way; comes back in the next one. REQUIRES: called by the body.
  void suspend();

  /// The body has returned; its stack is free.
  bool has_ended() const { return ended_; }

  /// Where the body stands on its stack. REQUIRES: it is not running.
  const void* stack_pointer() const { return fiber_; }

 private:
  // __cxa_eh_globals, as the Itanium C++ ABI lays it out.
  struct Exceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };
  struct Trampoline;
  friend struct Trampoline;

  void leave(bool for_good);
  void arrive();

  void* fiber_ = nullptr;   // where the body goes on, while it is suspended
  void* thread_ = nullptr;  // where the thread that resumed it goes on, while it runs
  Exceptions exceptions_;   // of the side that is suspended
  Body body_ = nullptr;
  void* argument_ = nullptr;
  bool ended_ = true;
#if KVMESH_ADDRESS_SANITIZER
  const void* stack_low_ = nullptr;
  std::size_t stack_bytes_ = 0;
  const void* thread_stack_low_ = nullptr;
  std::size_t thread_stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
#endif
#if KVMESH_THREAD_SANITIZER
  void* fiber_identity_ = nullptr;
  void* thread_identity_ = nullptr;
#endif
};

}  // namespace kvmesh::tasks
