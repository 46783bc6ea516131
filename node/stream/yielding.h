#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace kvmesh::stream {

/// For a thread that computes for those who are not served yet: where processors are short, it gets
/// about a third of what each of the others gets. On Linux a thread has a nice value of its own.
inline void let_others_go_first() {
  constexpr int kNicer = 5;
  const auto self = static_cast<id_t>(gettid());
  (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + kNicer);
}

}  // namespace kvmesh::stream
