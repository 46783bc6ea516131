#include "node/tasks/process.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kvmesh::tasks {

std::optional<Mode> mode_from_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Mode>, 5> kModes{
      {{"call", Mode::kCall},
       {"async", Mode::kAsync},
       {"nolink", Mode::kNoLink},
       {"spawn", Mode::kSpawn},
       {"spawn_link", Mode::kSpawnLink}}};
  for (const auto& [its_name, mode] : kModes) {
    if (its_name == name) return mode;
  }
  return std::nullopt;
}

TimePoint Process::next_due() const {
  return std::min({limit_ends, wait_ends, call_ends, mailbox.next_late(),
                   poll ? poll->due : lease_ends, monitors.next_due(), timed.next_due()});
}

}  // namespace kvmesh::tasks
