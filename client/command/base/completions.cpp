#include "client/command/base/completions.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>

namespace kvmesh::command {

Completions::Completions() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) std::abort();
}

Completions::~Completions() { close(descriptor_); }

void Completions::add(std::uint32_t id, Outcome outcome) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = entries_.empty();
    entries_.emplace_back(id, std::move(outcome));
  }
  const std::uint64_t one = 1;
  if (first && write(descriptor_, &one, sizeof one) < 0) return;  // full: it is readable anyway
}

std::vector<Completions::Ended> Completions::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto cleared = read(descriptor_, &count, sizeof count);
  std::vector<Ended> taken;
  const std::lock_guard lock(mutex_);
  taken.swap(entries_);
  return taken;
}

}  // namespace kvmesh::command
