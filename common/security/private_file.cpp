#include "common/security/private_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "common/security/open_file.h"
#include "common/text.h"

namespace kvmesh::security {
namespace {

constexpr std::size_t kFileBytesMax = 256 * 1024;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::string shown(const std::string& path) { return in_quotes(path, 4096); }

Status not_private(const std::string& path, std::string_view text) {
  return {StatusCode::kInvalidArgument, "the key file " + shown(path) + " " + std::string{text}};
}

Status read_fault(std::string_view verb, const std::string& path) {
  const int error = errno;
  return {StatusCode::kInvalidArgument, "cannot " + std::string{verb} + " the key file " +
                                            shown(path) + ": " +
                                            std::generic_category().message(error)};
}

// Whoever may change a folder can put another file in the place of this one.
Status check_folders(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(path, error);
  if (error) return not_private(path, "cannot be found: " + error.message());
  for (auto folder = whole.parent_path();; folder = folder.parent_path()) {
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0) return read_fault("look for", path);
    const bool others_may = (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (others_may && (about.st_mode & S_ISVTX) == 0) {
      return not_private(
          path, "stands in a folder that others may change; type chmod go-w " + folder.string());
    }
    if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
      return not_private(path, "stands in a folder of somebody else, " + shown(folder.string()) +
                                   "; keep it in one of your own");
    }
    if (folder == folder.parent_path()) return {};
  }
}

Status check_file(const std::string& path, const struct stat& about) {
  if (!S_ISREG(about.st_mode)) return not_private(path, "is no file");
  if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
    return not_private(
        path, "belongs to somebody else; type chown " + std::to_string(::geteuid()) + " " + path);
  }
  if ((about.st_mode & kOthers) != 0) {
    return not_private(path, "can be read or written by others; type chmod 600 " + path);
  }
  return {};
}

Status read_all(int descriptor, const std::string& path, std::string& out) {
  out.resize(kFileBytesMax + 1);  // at once: what grows leaves copies
  std::size_t size = 0;
  while (size < out.size()) {
    const auto count = ::read(descriptor, out.data() + size, out.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return read_fault("read", path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kFileBytesMax) return not_private(path, "is too large to be one");
  out.resize(size);
  return {};
}

}  // namespace

WipedText::~WipedText() { sodium_memzero(text.data(), text.size()); }

Status read_private_file(const std::string& path, WipedText& out) {
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file.is_open() && errno == ELOOP) {
    return not_private(path, "is a link; write the path that it leads to");
  }
  struct stat about {};
  if (!file.is_open() || ::fstat(file.get(), &about) != 0) return read_fault("read", path);
  if (auto status = check_file(path, about); !status.ok()) return status;
  if (auto status = check_folders(path); !status.ok()) return status;
  return read_all(file.get(), path, out.text);
}

}  // namespace kvmesh::security
