#include "node/tasks/crash_report.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>

#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kFaultStackBytes = 64 * 1024;
constexpr std::size_t kNodeBytesMax = 256;
constexpr std::uintptr_t kFirstPage = 4096;
constexpr int kPatienceMs = 1000;

FindCrash find_crash = nullptr;
pid_t watched_process = 0;
std::atomic<bool> told = false;  // of a crash that ends in abort()
std::atomic<std::int64_t> utc_offset_s = 0;
std::array<char, kNodeBytesMax> node_name{};
std::atomic<std::size_t> node_name_bytes = 0;

// A text put together without memory of the heap. What does not fit is left out. All of it is
// async-signal-safe.
class Line {
 public:
  // As a line of the log begins.
  explicit Line(std::string_view node) {
    add_time();
    if (node.empty()) node = {node_name.data(), node_name_bytes.load(std::memory_order_acquire)};
    add(" ").add(node.empty() ? "kvmesh" : node).add(" critical ");
  }
  Line& add(std::string_view text) {
    const auto fits = std::min(text.size(), bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, text.data(), fits);
    size_ += fits;
    return *this;
  }
  Line& add(std::uint64_t number, int base, std::size_t digits_min = 1) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), number, base).ptr;
    const auto count = static_cast<std::size_t>(end - digits.begin());
    for (auto i = count; i < digits_min; ++i) add("0");
    return add({digits.data(), count});
  }
  Line& add(const StackUser& user) {
    add(user.function.empty() ? "a task" : user.function);
    if (!user.handler.empty()) add(".").add(user.handler);
    if (user.id != 0) add(" <").add(user.node).add("/").add(user.id, 16).add(">");
    if (!user.from.empty()) add(", which ").add(user.from).add(" asked for,");
    return *this;
  }
  // A pipe that nobody reads must not keep the process from ending.
  void write() {
    add("\n");
    pollfd room{STDERR_FILENO, POLLOUT, 0};
    if (poll(&room, 1, kPatienceMs) == 1) (void)!::write(STDERR_FILENO, bytes_.data(), size_);
  }

 private:
  void add_time() {
    using namespace std::chrono;
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const sys_seconds local{seconds{now.tv_sec + utc_offset_s.load(std::memory_order_relaxed)}};
    const auto day = floor<days>(local);
    const year_month_day date{day};
    const hh_mm_ss time{local - day};
    const auto two = [this](auto number) { add(static_cast<std::uint64_t>(number), 10, 2); };
    add(static_cast<std::uint64_t>(static_cast<int>(date.year())), 10, 4).add("-");
    two(static_cast<unsigned>(date.month()));
    add("-");
    two(static_cast<unsigned>(date.day()));
    add(" ");
    two(time.hours().count());
    add(":");
    two(time.minutes().count());
    add(":");
    two(time.seconds().count());
    add(".").add(static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000, 10, 3);
  }

  std::array<char, 2048> bytes_{};
  std::size_t size_ = 0;
};

void say_overrun(const StackUser& user, std::size_t stack_bytes) {
  Line line{user.node};
  line.add(user).add(" overran its stack of ").add(stack_bytes, 10);
  line.add(
      " bytes, and this process ends: raise tasks.stack_bytes (memory is taken only as it is "
      "touched), or keep large arrays and deep recursion off the task's stack; when callers "
      "from outside choose how deep it goes, let the function refuse such arguments, or leave "
      "it out of tasks.allow");
  line.write();
}

void add_site(Line& line, const CrashSite& site) {
  if (site.in_task) return (void)line.add(site.user);
  std::array<char, 16> thread{};
  prctl(PR_GET_NAME, thread.data());
  line.add("the thread ").add(thread.data()).add(", which runs no task,");
}

// SIGSEGV and SIGBUS.
void add_address(Line& line, const siginfo_t& info) {
  if (info.si_code == SI_KERNEL) return (void)line.add(" at an address that no pointer can have");
  const auto address = reinterpret_cast<std::uintptr_t>(info.si_addr);
  line.add(" at address 0x").add(address, 16).add(address < kFirstPage ? " (a null pointer)" : "");
}

void say_crash(const CrashSite& site, const siginfo_t& info) {
  Line line{site.user.node};
  add_site(line, site);
  line.add(" crashed: ");
  switch (info.si_signo) {
    case SIGSEGV:
      line.add("SIGSEGV");
      add_address(line, info);
      break;
    case SIGBUS:
      line.add("SIGBUS");
      add_address(line, info);
      break;
    case SIGFPE:
      line.add(info.si_code == FPE_INTDIV ? "SIGFPE (an integer was divided by zero)" : "SIGFPE");
      break;
    case SIGILL:
      line.add("SIGILL (no instruction of this processor, or a trap of the compiler's)");
      break;
    default:
      line.add(
          "SIGABRT (std::abort, an assertion, or std::terminate, as after an exception that "
          "nothing catches)");
  }
  line.add(", and this process ends");
  line.write();
}

struct Watched {
  int signal;
  struct sigaction earlier;
};
std::array<Watched, 5> watched{
    {{SIGSEGV, {}}, {SIGBUS, {}}, {SIGFPE, {}}, {SIGILL, {}}, {SIGABRT, {}}}};

bool is_default(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const auto& before = std::find_if(watched.begin(), watched.end(), [&](const Watched& one) {
                         return one.signal == signal;
                       })->earlier;
  const bool by_kernel = info->si_code > 0;  // not by kill(), which has no address
  const bool aborts = signal == SIGABRT && info->si_code == SI_TKILL && info->si_pid == getpid();
  if (by_kernel || aborts) {
    CrashSite site;
    find_crash(by_kernel ? info->si_addr : nullptr, site);
    if (site.overrun_of != 0) {
      say_overrun(site.user, site.overrun_of);
    } else if (is_default(before) && !told) {
      say_crash(site, *info);
    }
  }
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

void watch_signals() {
  struct sigaction action {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (auto& one : watched) sigaction(one.signal, nullptr, &one.earlier);
  for (const auto& one : watched) {
    const bool has_guards = one.signal == SIGSEGV || one.signal == SIGBUS;
    if (has_guards || is_default(one.earlier)) sigaction(one.signal, &action, nullptr);
  }
}

// The node would look as if it was stopped as asked, and what ends with the process would end while
// the node's threads use it.
void end_exit_of_task(std::string_view function) {
  CrashSite site;
  find_crash(nullptr, site);
  if (!site.in_task || getpid() != watched_process) return;  // a forked child's exit is its own
  Line line{site.user.node};
  line.add(site.user).add(" called ").add(function);
  line.add(
      ", and this process ends with status 1: a task ends when its function returns or throws");
  line.write();
  _exit(EXIT_FAILURE);
}

}  // namespace

void end_overrun(const StackUser& user, std::size_t stack_bytes) noexcept {
  say_overrun(user, stack_bytes);
  told = true;
  std::abort();
}

void watch_for_crashes(FindCrash find) {
  static std::once_flag once;
  std::call_once(once, [find] {
    find_crash = find;
    watched_process = getpid();
    note_local_time();
    std::atexit([] { end_exit_of_task("exit()"); });
    std::at_quick_exit([] { end_exit_of_task("quick_exit()"); });
    if (!kSanitized) watch_signals();
  });
}

void name_in_crashes(std::string_view node) {
  static std::once_flag once;
  std::call_once(once, [node] {
    const auto bytes = std::min(node.size(), node_name.size());
    std::memcpy(node_name.data(), node.data(), bytes);
    node_name_bytes.store(bytes, std::memory_order_release);
  });
}

void note_local_time() {
  const auto now = std::time(nullptr);
  std::tm local{};
  if (localtime_r(&now, &local) != nullptr) utc_offset_s = local.tm_gmtoff;
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
