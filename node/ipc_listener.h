#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include <kvmesh/status.h>

namespace kvmesh {

/// A listening Unix socket and its file. libzmq would remove whatever stands at the path, the
/// socket of a running node included, so a node binds by itself: a socket that nobody listens on is
/// replaced, all else is left alone; and at its end the file is removed while it is still ours.
class IpcListener {
 public:
  /// `path` as after ipc://, one that begins with @ is a name without a file. kUnavailable:
  /// somebody listens there, something else than a socket is there, or the system refuses.
  static Result<std::unique_ptr<IpcListener>> open(const std::string& path);
  ~IpcListener();
  IpcListener(const IpcListener&) = delete;
  IpcListener& operator=(const IpcListener&) = delete;

  /// Another descriptor of it, for who closes that in the end. REQUIRES: called once at most.
  int release();

 private:
  IpcListener() = default;
  Status bind(const std::string& path);
  Status make_room(const std::string& path);

  int descriptor_ = -1;  // open until the file is gone: no other file can have its number till then
  int shared_ = -1;
  std::string file_;  // empty: there is none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace kvmesh
