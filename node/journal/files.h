#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

namespace rocksdb {
class FileSystem;
class FSRandomRWFile;
class Status;
}  // namespace rocksdb

namespace kvmesh::journal {

/// RocksDB's words, after `what`: "what: No space left on device: ...". kInternal: something is
/// damaged or missing; else kUnavailable.
Status refused_by_system(const std::string& what, const rocksdb::Status& status);

// A small file that is written in place.
class InPlaceFile {
 public:
  explicit InPlaceFile(std::unique_ptr<rocksdb::FSRandomRWFile> file);
  ~InPlaceFile();
  InPlaceFile(const InPlaceFile&) = delete;
  InPlaceFile& operator=(const InPlaceFile&) = delete;

  Status write(std::uint64_t offset, std::string_view bytes);
  Status sync();

 private:
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
};

/// The small files of a state folder, through RocksDB's interface of a file system: a test that
/// puts its own in that place sees every write and sync. Blocks. Errors name the path. Thread-safe.
class Files {
 public:
  /// `system`: none for that of the machine.
  explicit Files(std::shared_ptr<rocksdb::FileSystem> system);

  const std::shared_ptr<rocksdb::FileSystem>& system() const { return system_; }

  /// None: there is no such file.
  Result<std::optional<std::string>> read(const std::string& path) const;
  /// The file has this content, or, when the machine fails meanwhile, what it had.
  Status replace(const std::string& path, std::string_view content) const;
  /// A line more at the end of the file, which is made when there is none; synced.
  Status append_line(const std::string& path, const std::string& line) const;
  Result<std::unique_ptr<InPlaceFile>> open_in_place(const std::string& path) const;

  bool exists(const std::string& path) const;
  /// The names in a folder, sorted. None: there is no such folder.
  Result<std::optional<std::vector<std::string>>> list(const std::string& folder) const;
  /// Makes a folder, which is there after a power loss too. Its parent must exist.
  Status make_folder(const std::string& folder) const;
  /// Removes a folder and the files in it; it must not have folders. OK: there is none.
  Status remove_folder(const std::string& folder) const;
  Status remove(const std::string& path) const;
  /// A file or a folder, within a folder; synced.
  Status rename(const std::string& from, const std::string& to) const;
  /// Another name for a file.
  Status link(const std::string& file, const std::string& name) const;
  /// What was made, renamed and removed in the folder stays so.
  Status sync_folder(const std::string& folder) const;

 private:
  std::shared_ptr<rocksdb::FileSystem> system_;
};

/// The folder in which `path` is: "a" for "a/b", "." for "b".
std::string folder_of(const std::string& path);

}  // namespace kvmesh::journal
