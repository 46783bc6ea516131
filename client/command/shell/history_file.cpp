#include "client/command/shell/history_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "client/command/shell/history.h"

namespace kvmesh::command::shell {
namespace {

// The folder, locked: the file itself is another one after each change.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path)
      : descriptor_(
            open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (descriptor_ >= 0 && !holds_) {
      holds_ = flock(descriptor_, LOCK_EX) == 0;
      if (!holds_ && errno != EINTR) break;
    }
  }
  ~FolderLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  bool holds() const { return holds_; }

 private:
  int descriptor_;
  bool holds_ = false;
};

}  // namespace

History* new_history() {
  History* made = history_init();
  if (made == nullptr) std::abort();  // no memory
  HistEvent event{};
  history(made, &event, H_SETSIZE, kHistoryLinesMax);
  history(made, &event, H_SETUNIQUE, 1);
  return made;
}

void load_history(History* history, const std::string& path) {
  HistEvent event{};
  ::history(history, &event, H_LOAD, path.c_str());
}

void append_history(const std::string& path, const std::string& line) {
  if (!make_folder_of(path)) return;
  const FolderLock lock{path};
  if (!lock.holds()) return;
  History* all = new_history();
  load_history(all, path);
  HistEvent event{};
  history(all, &event, H_ENTER, line.c_str());
  const std::string written = path + ".new";
  if (history(all, &event, H_SAVE, written.c_str()) >= 0) {
    (void)std::rename(written.c_str(), path.c_str());
  }
  history_end(all);
}

}  // namespace kvmesh::command::shell
