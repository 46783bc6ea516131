#include "node/tasks/fiber_switch.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <boost/context/detail/fcontext.hpp>

#if KVMESH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if KVMESH_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace kvmesh::tasks {

namespace context = boost::context::detail;

#if KVMESH_ADDRESS_SANITIZER
namespace {
constexpr std::size_t kFirstFramesBytesMax = 64 * 1024;
}  // namespace
#endif

// Inlined, because ThreadSanitizer books entered and left functions on whatever is current.
[[gnu::always_inline]] inline void FiberSwitch::leave([[maybe_unused]] bool for_good) {
#if KVMESH_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, thread_stack_low_,
                                 thread_stack_bytes_);
#endif
#if KVMESH_THREAD_SANITIZER
  __tsan_switch_to_fiber(thread_identity_, 0);
#endif
}

[[gnu::always_inline]] inline void FiberSwitch::arrive() {
#if KVMESH_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(fake_stack_, &thread_stack_low_, &thread_stack_bytes_);
#endif
}

// The first frame on the new stack; nothing may return from it.
struct FiberSwitch::Trampoline {
  static void enter(context::transfer_t from) {
    auto& self = *static_cast<FiberSwitch*>(from.data);
    self.thread_ = from.fctx;
    self.arrive();
    self.body_(self.argument_);
    self.ended_ = true;
    self.leave(true);
    context::jump_fcontext(self.thread_, nullptr);
    std::abort();  // nobody resumes what has ended
  }
};

void FiberSwitch::begin(std::byte* low, std::size_t bytes, Body body, void* argument) {
  body_ = body;
  argument_ = argument;
  ended_ = false;
  exceptions_ = {};
  fiber_ = context::make_fcontext(low + bytes, bytes, &Trampoline::enter);
#if KVMESH_ADDRESS_SANITIZER
  stack_low_ = low;
  stack_bytes_ = bytes;
  fake_stack_ = nullptr;
#endif
#if KVMESH_THREAD_SANITIZER
  fiber_identity_ = __tsan_create_fiber(0);
#endif
}

void FiberSwitch::resume() {
  // Looked up here only: this frame stays on its thread, while a body may change threads in
  // suspend(), and the compiler may take the address as the same throughout a function.
  auto& exceptions = *reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
  std::swap(exceptions, exceptions_);
#if KVMESH_ADDRESS_SANITIZER
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_low_, stack_bytes_);
#endif
#if KVMESH_THREAD_SANITIZER
  thread_identity_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber_identity_, 0);
#endif
  fiber_ = context::jump_fcontext(fiber_, this).fctx;
#if KVMESH_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
  // Its first frames never returned, and so left their surroundings marked as forbidden.
  if (ended_) {
    const auto first = std::min(stack_bytes_, kFirstFramesBytesMax);
    __asan_unpoison_memory_region(static_cast<const std::byte*>(stack_low_) + stack_bytes_ - first,
                                  first);
  }
#endif
#if KVMESH_THREAD_SANITIZER
  if (ended_) __tsan_destroy_fiber(fiber_identity_);
#endif
  std::swap(exceptions, exceptions_);
}

void FiberSwitch::suspend() {
  leave(false);
  thread_ = context::jump_fcontext(thread_, nullptr).fctx;
  arrive();
}

}  // namespace kvmesh::tasks
