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

constexpr std::size_t kPrivateBytesMax = 256 * 1024;
constexpr std::size_t kTrustedBytesMax = 4 * 1024 * 1024;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr std::size_t kSecretCharsMin = 40;

// Somebody may have given a secret in the place of a path; it is not repeated.
std::string shown(const std::string& path) {
  const auto name = std::filesystem::path{path}.filename().string();
  const bool is_secret =
      (name.starts_with("sec_") || name.starts_with("tok_")) && name.size() >= kSecretCharsMin;
  return is_secret ? "(a secret, and no path)" : in_quotes(path, 4096);
}

// A file, and what it is called in messages.
struct Named {
  const std::string& path;
  std::string_view noun;

  std::string str() const { return std::string{noun} + " " + shown(path); }
};

Status not_private(const Named& file, std::string_view text) {
  return {StatusCode::kInvalidArgument, file.str() + " " + std::string{text}};
}

Status read_fault(std::string_view verb, const Named& file) {
  const int error = errno;
  return {StatusCode::kInvalidArgument, "cannot " + std::string{verb} + " " + file.str() + ": " +
                                            std::generic_category().message(error)};
}

// Whoever may change a folder can put another file in the place of this one.
Status check_folders(const Named& file) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(file.path, error);
  if (error) return not_private(file, "cannot be found: " + error.message());
  for (auto folder = whole.parent_path();; folder = folder.parent_path()) {
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0) return read_fault("look for", file);
    const bool others_may = (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (others_may && (about.st_mode & S_ISVTX) == 0) {
      return not_private(
          file, "stands in a folder that others may change; type chmod go-w " + folder.string());
    }
    if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
      return not_private(file, "stands in a folder of somebody else, " + shown(folder.string()) +
                                   "; keep it in one of your own");
    }
    if (folder == folder.parent_path()) return {};
  }
}

Status check_file(const Named& file, const struct stat& about, bool may_be_read) {
  if (!S_ISREG(about.st_mode)) return not_private(file, "is no file");
  if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
    return not_private(file, "belongs to somebody else; type chown " + std::to_string(::geteuid()) +
                                 " " + file.path);
  }
  if (may_be_read && (about.st_mode & kOthersWrite) != 0) {
    return not_private(file, "can be written by others; type chmod go-w " + file.path);
  }
  if (!may_be_read && (about.st_mode & kOthers) != 0) {
    return not_private(file, "can be read or written by others; type chmod 600 " + file.path);
  }
  return {};
}

Status read_all(int descriptor, const Named& file, std::size_t bytes_max, std::string& out) {
  out.resize(bytes_max + 1);  // at once: what grows leaves copies
  std::size_t size = 0;
  while (size < out.size()) {
    const auto count = ::read(descriptor, out.data() + size, out.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return read_fault("read", file);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > bytes_max) return not_private(file, "is too large to be one");
  out.resize(size);
  return {};
}

}  // namespace

WipedText::~WipedText() { sodium_memzero(text.data(), text.size()); }

Status read_private_file(const std::string& path, WipedText& out) {
  const Named file{path, "the key file"};
  const OpenFile opened{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!opened.is_open() && errno == ELOOP) {
    return not_private(file, "is a link; write the path that it leads to");
  }
  struct stat about {};
  if (!opened.is_open() || ::fstat(opened.get(), &about) != 0) return read_fault("read", file);
  if (auto status = check_file(file, about, false); !status.ok()) return status;
  if (auto status = check_folders(file); !status.ok()) return status;
  return read_all(opened.get(), file, kPrivateBytesMax, out.text);
}

Status read_trusted_file(const std::string& path, std::string& out) {
  const Named file{path, "the file"};
  const OpenFile opened{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct stat about {};
  if (!opened.is_open() || ::fstat(opened.get(), &about) != 0) return read_fault("read", file);
  if (auto status = check_file(file, about, true); !status.ok()) return status;
  if (auto status = check_folders(file); !status.ok()) return status;
  return read_all(opened.get(), file, kTrustedBytesMax, out);
}

}  // namespace kvmesh::security
