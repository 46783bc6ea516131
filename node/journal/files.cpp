#include "node/journal/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace kvmesh::journal {
namespace {

using rocksdb::IOStatus;

const rocksdb::IOOptions kOptions;

Status refused(const std::string& path, const IOStatus& status) {
  return status.ok() ? Status{} : refused_by_system(path, status);
}

}  // namespace

Status refused_by_system(const std::string& what, const rocksdb::Status& status) {
  const bool damaged = status.IsCorruption() || status.IsNotFound() || status.IsPathNotFound();
  return {damaged ? StatusCode::kInternal : StatusCode::kUnavailable,
          what + ": " + status.ToString()};
}

InPlaceFile::InPlaceFile(std::unique_ptr<rocksdb::FSRandomRWFile> file) : file_(std::move(file)) {}

InPlaceFile::~InPlaceFile() = default;

Status InPlaceFile::write(std::uint64_t offset, std::string_view bytes) {
  return refused("write", file_->Write(offset, {bytes.data(), bytes.size()}, kOptions, nullptr));
}

Status InPlaceFile::sync() { return refused("sync", file_->Sync(kOptions, nullptr)); }

Files::Files(std::shared_ptr<rocksdb::FileSystem> system)
    : system_(system ? std::move(system) : rocksdb::FileSystem::Default()) {}

Result<std::optional<std::string>> Files::read(const std::string& path) const {
  if (!exists(path)) return std::optional<std::string>{};
  std::string content;
  const auto status = rocksdb::ReadFileToString(system_.get(), path, &content);
  if (!status.ok()) return refused_by_system(path, status);
  return std::optional{std::move(content)};
}

Status Files::replace(const std::string& path, std::string_view content) const {
  const std::string fresh = path + ".new";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto status = system_->NewWritableFile(fresh, {}, &file, nullptr);
  if (status.ok()) status = file->Append({content.data(), content.size()}, kOptions, nullptr);
  if (status.ok()) status = file->Sync(kOptions, nullptr);
  if (status.ok()) status = file->Close(kOptions, nullptr);
  if (status.ok()) status = system_->RenameFile(fresh, path, kOptions, nullptr);
  if (!status.ok()) return refused(path, status);
  return sync_folder(folder_of(path));
}

Status Files::append_line(const std::string& path, const std::string& line) const {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto status = system_->ReopenWritableFile(path, {}, &file, nullptr);
  if (status.ok()) status = file->Append(line + "\n", kOptions, nullptr);
  if (status.ok()) status = file->Sync(kOptions, nullptr);
  if (status.ok()) status = file->Close(kOptions, nullptr);
  if (!status.ok()) return refused(path, status);
  return sync_folder(folder_of(path));
}

Result<std::unique_ptr<InPlaceFile>> Files::open_in_place(const std::string& path) const {
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  const auto status = system_->NewRandomRWFile(path, {}, &file, nullptr);
  if (!status.ok()) return refused(path, status);
  return std::make_unique<InPlaceFile>(std::move(file));
}

bool Files::exists(const std::string& path) const {
  return system_->FileExists(path, kOptions, nullptr).ok();
}

Result<std::optional<std::vector<std::string>>> Files::list(const std::string& folder) const {
  std::vector<std::string> names;
  const auto status = system_->GetChildren(folder, kOptions, &names, nullptr);
  if (status.IsPathNotFound() || status.IsNotFound()) {
    return std::optional<std::vector<std::string>>{};
  }
  if (!status.ok()) return refused(folder, status);
  std::erase_if(names, [](const auto& name) { return name == "." || name == ".."; });
  std::sort(names.begin(), names.end());
  return std::optional{std::move(names)};
}

Status Files::make_folder(const std::string& folder) const {
  const auto status = system_->CreateDir(folder, kOptions, nullptr);
  if (!status.ok()) return refused(folder, status);
  (void)::chmod(folder.c_str(),
                S_IRWXU);  // what is in it is the node's own; not of a disk of tests
  return sync_folder(folder_of(folder));
}

Status Files::remove_folder(const std::string& folder) const {
  const auto names = list(folder);
  if (!names.ok()) return names.status();
  if (!names->has_value()) return {};
  for (const auto& name : **names) {
    if (auto status = remove(folder + "/" + name); !status.ok()) return status;
  }
  return refused(folder, system_->DeleteDir(folder, kOptions, nullptr));
}

Status Files::remove(const std::string& path) const {
  return refused(path, system_->DeleteFile(path, kOptions, nullptr));
}

Status Files::rename(const std::string& from, const std::string& to) const {
  const auto status = system_->RenameFile(from, to, kOptions, nullptr);
  return status.ok() ? sync_folder(folder_of(to)) : refused(from, status);
}

Status Files::link(const std::string& file, const std::string& name) const {
  return refused(name, system_->LinkFile(file, name, kOptions, nullptr));
}

Status Files::sync_folder(const std::string& folder) const {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  auto status = system_->NewDirectory(folder, kOptions, &directory, nullptr);
  if (status.ok()) status = directory->Fsync(kOptions, nullptr);
  return refused(folder, status);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace kvmesh::journal
