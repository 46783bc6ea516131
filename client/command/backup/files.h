#pragma once

#include <kvmesh/status.h>
#include <sodium.h>

#include <string>
#include <string_view>

/// Files of a backup. Failures are kUnavailable, with the path and what the system says.
namespace kvmesh::command {

/// A file descriptor that is closed at the end. Movable.
class OwnedFile {
 public:
  OwnedFile() = default;
  explicit OwnedFile(int descriptor) : descriptor_(descriptor) {}
  OwnedFile(OwnedFile&& other) noexcept;
  OwnedFile& operator=(OwnedFile&& other) noexcept;
  ~OwnedFile();
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// kUnavailable: "cannot VERB FILE: " and what the system says, of errno.
Status file_fault(std::string_view verb, const std::string& path);

/// All bytes to the end of a file, or why not.
Status write_all(int descriptor, std::string_view bytes, const std::string& path);

/// Replaces a file as a whole: also after a crash there is the old one, or this one. Its folder
/// must exist.
Status replace_file(const std::string& path, std::string_view content);

/// Syncs a file or folder, with what was written into it.
Status sync(int descriptor, const std::string& path);

/// The same of the names in a folder; and the folder in which a file or folder is.
Status sync_folder(const std::string& folder);
std::string folder_of(const std::string& path);

/// A file, and nothing else that has a name: that is kInvalidArgument.
Result<OwnedFile> open_to_read(const std::string& path);
/// All of a file.
Result<std::string> content_of(const std::string& path);

/// The SHA-256 of a text, in hexadecimal.
std::string sha256_of(std::string_view text);
std::string hex(const unsigned char (&hash)[crypto_hash_sha256_BYTES]);

std::string path_in(const std::string& folder, std::string_view name);
/// A path in quotes, however long it is.
std::string quoted_path(const std::string& path);

}  // namespace kvmesh::command
