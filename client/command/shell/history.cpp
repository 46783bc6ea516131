#include "client/command/shell/history.h"

#include <sys/stat.h>

#include <cerrno>

namespace kvmesh::command::shell {

std::string history_path(const char* state_home, const char* home) {
  if (state_home != nullptr && *state_home == '/') {
    return std::string{state_home} + "/kvmesh/history";
  }
  if (home == nullptr || *home == '\0') return {};
  return std::string{home} + "/.local/state/kvmesh/history";
}

bool make_folder_of(const std::string& path) {
  constexpr mode_t kThisUserOnly = 0700;
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    if (mkdir(path.substr(0, at).c_str(), kThisUserOnly) != 0 && errno != EEXIST) return false;
  }
  return true;
}

}  // namespace kvmesh::command::shell
