#include "node/tasks/stack_overrun.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <mutex>

#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kFaultStackBytes = 64 * 1024;
constexpr int kPatienceMs = 1000;
constexpr std::array kFaults = {SIGSEGV, SIGBUS};

// A text put together without memory of the heap. What does not fit is left out.
class Line {
 public:
  Line& add(std::string_view text) {
    const auto fits = std::min(text.size(), bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, text.data(), fits);
    size_ += fits;
    return *this;
  }
  Line& add(std::uint64_t number, int base) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), number, base).ptr;
    return add({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  // A pipe that nobody reads must not keep the process from ending.
  void write_to(int descriptor) const {
    pollfd room{descriptor, POLLOUT, 0};
    if (poll(&room, 1, kPatienceMs) == 1) (void)!::write(descriptor, bytes_.data(), size_);
  }

 private:
  std::array<char, 2048> bytes_{};
  std::size_t size_ = 0;
};

FindOverrun find_overrun = nullptr;
std::array<struct sigaction, kFaults.size()> earlier{};

void on_fault(int signal, siginfo_t* info, void* context) {
  StackUser user;
  std::size_t stack_bytes = 0;
  const bool by_kernel = info->si_code > 0;  // not by kill(), which has no address
  if (by_kernel && find_overrun(info->si_addr, user, stack_bytes)) say_overrun(user, stack_bytes);
  const auto place = std::find(kFaults.begin(), kFaults.end(), signal) - kFaults.begin();
  const auto& before = earlier[static_cast<std::size_t>(place)];
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    return before.sa_handler(signal);
  }
  // Back to the instruction that faulted, which does so again: the core shows it.
  struct sigaction end {};
  end.sa_handler = SIG_DFL;
  sigaction(signal, &end, nullptr);
  if (!by_kernel) raise(signal);
}

}  // namespace

void say_overrun(const StackUser& user, std::size_t stack_bytes) noexcept {
  Line line;
  line.add("kvmesh: ").add(user.function.empty() ? "a task" : user.function);
  if (user.id != 0) line.add(" <").add(user.node).add("/").add(user.id, 16).add(">");
  if (!user.from.empty()) line.add(", which ").add(user.from).add(" asked for,");
  line.add(" overran its stack of ").add(stack_bytes, 10);
  line.add(
      " bytes, and this process ends: raise tasks.stack_bytes (memory is taken only as it is "
      "touched), or keep large arrays and deep recursion off the task's stack; when callers "
      "from outside choose how deep it goes, let the function refuse such arguments, or leave "
      "it out of tasks.allow\n");
  line.write_to(STDERR_FILENO);
}

void watch_for_overruns(FindOverrun find) {
  if (kSanitized) return;
  static std::once_flag once;
  std::call_once(once, [find] {
    find_overrun = find;
    struct sigaction action {};
    action.sa_sigaction = &on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kFaults.size(); ++i) sigaction(kFaults[i], nullptr, &earlier[i]);
    for (const int fault : kFaults) sigaction(fault, &action, nullptr);
  });
}

FaultStack::FaultStack() {
  if (kSanitized) return;
  void* memory = mmap(nullptr, kFaultStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;  // a fault ends the process all the same, without a word
  memory_ = memory;
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = kFaultStackBytes;
  sigaltstack(&stack, nullptr);
}

FaultStack::~FaultStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  munmap(memory_, kFaultStackBytes);
}

}  // namespace kvmesh::tasks
