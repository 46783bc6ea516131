#include "client/command/backup/backup_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace kvmesh::command {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

Result<BackupWriter> BackupWriter::create(std::string folder, std::uint64_t file_bytes) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  std::error_code fault;
  if (mkdir(folder.c_str(), 0700) != 0) {
    if (errno != EEXIST) return file_fault("make the folder", folder);
    const std::filesystem::directory_iterator content{folder, fault};
    if (fault) {
      errno = fault.value();
      return file_fault("read the folder", folder);
    }
    if (content != std::filesystem::directory_iterator{}) {
      const bool is_backup = std::filesystem::exists(path_in(folder, kManifestName), fault);
      return Status{StatusCode::kInvalidArgument,
                    "the folder " + quoted_path(folder) +
                        (is_backup ? " holds a backup" : " is not empty") +
                        "; name a new one, nothing is written over"};
    }
  }
  return BackupWriter{std::move(folder), file_bytes};
}

Status BackupWriter::begin_file() {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "%06zu.buckets", written_.files.size() + 1);
  file_ = {};
  file_.name = name.data();
  const auto path = path_in(folder_, file_.name);
  descriptor_ = OwnedFile{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
  if (!descriptor_.is_open()) return file_fault("make", path);
  crypto_hash_sha256_init(&sha256_);
  return write(kFileHead);
}

Status BackupWriter::write(std::string_view bytes) {
  file_.bytes += bytes.size();
  buffer_ += bytes;
  return buffer_.size() < kBufferBytes ? Status{} : flush();
}

Status BackupWriter::flush() {
  crypto_hash_sha256_update(&sha256_, reinterpret_cast<const unsigned char*>(buffer_.data()),
                            buffer_.size());
  auto status = write_all(descriptor_.get(), buffer_, path_in(folder_, file_.name));
  buffer_.clear();
  return status;
}

Status BackupWriter::add(const BackupBlock& block) {
  if (descriptor_.is_open() && file_.bytes >= file_bytes_) {
    if (auto status = end_file(); !status.ok()) return status;
  }
  if (!descriptor_.is_open()) {
    if (auto status = begin_file(); !status.ok()) return status;
  }
  if (block.page == 0) ++file_.buckets;
  file_.records += block.records.size();
  written_.last_rev = std::max(written_.last_rev, block.rev);
  return write(pack_block(block));
}

Status BackupWriter::end_file() {
  if (auto status = flush(); !status.ok()) return status;
  if (auto status = sync(descriptor_.get(), path_in(folder_, file_.name)); !status.ok()) {
    return status;
  }
  descriptor_ = {};
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&sha256_, hash);
  file_.sha256 = hex(hash);
  written_.files.push_back(std::exchange(file_, {}));
  return {};
}

Status BackupWriter::finish(Manifest manifest) {
  if (descriptor_.is_open()) {
    if (auto status = end_file(); !status.ok()) return status;
  }
  manifest.files = written_.files;
  manifest.last_rev = written_.last_rev;
  auto status = replace_file(path_in(folder_, kManifestName), to_text(manifest));
  return status.ok() ? sync_folder(folder_of(folder_)) : status;
}

}  // namespace kvmesh::command
