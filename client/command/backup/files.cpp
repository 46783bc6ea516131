#include "client/command/backup/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/text.h"

namespace kvmesh::command {

Status sync(int descriptor, const std::string& path) {
  return fsync(descriptor) == 0 ? Status{} : file_fault("write", path);
}

Status sync_folder(const std::string& folder) {
  const OwnedFile opened{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open()) return file_fault("open", folder);
  return sync(opened.get(), folder);
}

std::string folder_of(const std::string& path) {
  const auto parent = std::filesystem::path{path}.parent_path().string();
  return parent.empty() ? "." : parent;
}

OwnedFile::OwnedFile(OwnedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}
OwnedFile& OwnedFile::operator=(OwnedFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
OwnedFile::~OwnedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status file_fault(std::string_view verb, const std::string& path) {
  const int error = errno;
  return {StatusCode::kUnavailable,
          "cannot " + std::string{verb} + " " + quoted_path(path) + ": " +
              std::strerror(error)};  // NOLINT(concurrency-mt-unsafe): one thread
}

Status write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto count = write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_fault("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Status replace_file(const std::string& path, std::string_view content) {
  const auto draft = path + ".tmp";
  {
    const OwnedFile file{open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (!file.is_open()) return file_fault("make", draft);
    if (auto status = write_all(file.get(), content, draft); !status.ok()) return status;
    if (auto status = sync(file.get(), draft); !status.ok()) return status;
  }
  if (std::rename(draft.c_str(), path.c_str()) != 0) return file_fault("make", path);
  return sync_folder(folder_of(path));
}

Result<OwnedFile> open_to_read(const std::string& path) {
  OwnedFile file{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct stat about {};
  if (!file.is_open() || fstat(file.get(), &about) != 0) return file_fault("open", path);
  if (S_ISREG(about.st_mode)) return file;
  return Status{StatusCode::kInvalidArgument, quoted_path(path) + " is no file"};
}

Result<std::string> content_of(const std::string& path) {
  const auto opened = open_to_read(path);
  if (!opened) return opened.status();
  const auto& file = *opened;
  std::string out;
  std::array<char, 65536> chunk{};
  while (true) {
    const auto count = read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_fault("read", path);
    if (count == 0) return out;
    out.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

std::string sha256_of(std::string_view text) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return hex(hash);
}

std::string hex(const unsigned char (&hash)[crypto_hash_sha256_BYTES]) {
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
  return sodium_bin2hex(text.data(), text.size(), hash, sizeof(hash));
}

std::string path_in(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string{name};
}

std::string quoted_path(const std::string& path) { return in_quotes(path, 4096); }

}  // namespace kvmesh::command
