#include "client/command/progress_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace kvmesh::command {
namespace {

constexpr std::chrono::milliseconds kShowPause{100};

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

ProgressDisplay::ProgressDisplay(bool wanted) : active_(wanted && isatty(STDERR_FILENO) != 0) {}

void ProgressDisplay::show(const Progress& progress, Time now) {
  if (!active_ || now < next_) return;
  next_ = now + kShowPause;
  drawn_ = true;
  std::fprintf(stderr, "\r%s\x1b[K", progress_line(progress, terminal_width() - 1).c_str());
}

void ProgressDisplay::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace kvmesh::command
