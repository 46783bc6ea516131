#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <kvmesh/status.h>

#include "node/journal/files.h"
#include "node/journal/marker.h"

namespace kvmesh::journal {

/// `state_dir "/path"`, with which each error begins.
std::string in_state_dir(const std::string& path);

/// The folder in which a node keeps what outlives it:
///
///     node      whose it is: text, one `NAME = VALUE` a line: format, node, state
///     lock      locked (flock) while a node uses the folder; holds that one's process id
///     db/       RocksDB's
///     durable   what RocksDB must come back with (marker.h)
///     losses    one line for each time that --accept-loss went on without something
///
/// `state` is "creating" until all of that is there and synced, so a folder whose making was broken
/// off is told from one that has lost files. One thread.
class StateDir {
 public:
  /// Checks the folder, makes it when it is not there, and locks it until the object ends. Errors
  /// say what is wrong with which path and what to do; then nothing was changed, but a lock file
  /// may have been made in an empty folder.
  static Result<std::unique_ptr<StateDir>> open(const std::string& path, const std::string& node,
                                                const Files& files);
  ~StateDir();
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;

  const std::string& path() const { return path_; }
  std::string database() const { return path_ + "/db"; }
  std::string marker() const { return path_ + "/durable"; }

  /// Whether nothing was ever acknowledged here.
  bool is_new() const { return is_new_; }
  /// Of a new folder: an empty db/, nothing that was left of an earlier try.
  Status begin();
  /// Of a new folder: RocksDB is there, so the marker is made and the folder counts.
  Status finish();

  /// None: there is no such file, or it is not whole.
  Result<std::optional<Durable>> durable() const;
  Status set_durable(const Durable& durable);
  /// Adds a line with the time to `losses`, and returns it.
  Result<std::string> note_loss(const std::string& what);

  /// The text of the file `node`.
  static std::string node_file(const std::string& node, bool is_new);

 private:
  StateDir(std::string path, std::string node, const Files& files)
      : path_(std::move(path)), node_(std::move(node)), files_(files) {}
  Status inspect();
  Status read_node_file(const std::string& text);
  Status lock();

  std::string path_;
  std::string node_;
  Files files_;
  bool is_new_ = false;
  int lock_ = -1;
};

}  // namespace kvmesh::journal
