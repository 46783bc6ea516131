#include "journal_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "journal_disk_files.h"

namespace kvmesh::test {
namespace {

namespace fs = std::filesystem;
using IoStatus = rocksdb::IOStatus;
using Kind = JournalDisk::Event::Kind;

constexpr std::size_t kSector = 512;

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool is_name(Kind kind) {
  return kind == Kind::kCreate || kind == Kind::kMakeFolder || kind == Kind::kRemoveFolder ||
         kind == Kind::kRename || kind == Kind::kLink || kind == Kind::kRemove;
}

void put(std::string& content, std::uint64_t at, const std::string& data) {
  if (content.size() < at + data.size()) content.resize(at + data.size());
  content.replace(at, data.size(), data);
}

}  // namespace

JournalDisk::JournalDisk(std::string root)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), root_(std::move(root)) {
  if (!fs::exists(root_)) return;
  std::vector<std::string> folders{""};
  for (const auto& entry : fs::recursive_directory_iterator{root_}) {
    const auto path = below(entry.path().string());
    if (entry.is_directory()) {
      events_.push_back({Kind::kMakeFolder, 0, path, {}, 0, {}});
      folders.push_back(path);
      continue;
    }
    std::ostringstream content;
    content << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
    const auto file = names_[path] = files_++;
    events_.push_back({Kind::kCreate, file, path, {}, 0, {}});
    events_.push_back({Kind::kWrite, file, {}, {}, 0, content.str()});
    events_.push_back({Kind::kSync, file, {}, {}, 0, {}});
  }
  for (const auto& path : folders) events_.push_back({Kind::kSyncFolder, 0, path, {}, 0, {}});
}

// ---- what happens

// The names of a file, or of all files in a folder.
auto in(auto& names, const std::string& path) {
  auto first = names.lower_bound(path);
  auto last = first;
  while (last != names.end() && (last->first == path || last->first.starts_with(path + "/")))
    ++last;
  return std::pair{first, last};
}
bool has(const std::map<std::string, std::size_t>& names, const std::string& path) {
  const auto [first, last] = in(names, path);
  return first != last;
}
void rename(std::map<std::string, std::size_t>& names, const std::string& from,
            const std::string& to) {
  const auto [first, last] = in(names, from);
  const std::vector<std::pair<std::string, std::size_t>> moved{first, last};
  names.erase(first, last);
  for (const auto& [name, file] : moved) names[to + name.substr(from.size())] = file;
}

bool JournalDisk::is_turn_to_fail() {
  ++calls_;
  const bool fails = fail_at_ != 0 && (calls_ == fail_at_ || (forever_ && calls_ > fail_at_));
  failed_ += fails ? 1 : 0;
  return fails;
}

IoStatus JournalDisk::run(Event event, const std::function<IoStatus()>& real) {
  const std::lock_guard lock{mutex_};
  if (is_turn_to_fail()) {
    if (event.kind != Kind::kWrite) return error_;
    event.data.resize(event.data.size() / 2);
    events_.push_back(std::move(event));
    return error_;
  }
  auto status = real();
  // RocksDB's own log for people is written beside all this.
  const bool of_name =
      event.kind == Kind::kRename || event.kind == Kind::kLink || event.kind == Kind::kRemove;
  if (!status.ok() || (of_name && !has(names_, event.path))) return status;
  if (event.kind == Kind::kCreate) {
    event.file = names_[event.path] = files_++;
  } else if (event.kind == Kind::kRename) {
    rename(names_, event.path, event.to);
  } else if (event.kind == Kind::kLink) {
    names_[event.to] = names_.at(event.path);
  } else if (event.kind == Kind::kRemove) {
    names_.erase(event.path);
  }
  events_.push_back(std::move(event));
  return status;
}

IoStatus JournalDisk::run(const std::function<IoStatus()>& real) {
  {
    const std::lock_guard lock{mutex_};
    if (is_turn_to_fail()) return error_;
  }
  return real();
}

std::size_t JournalDisk::file_of(const std::string& name) {
  const std::lock_guard lock{mutex_};
  return names_.at(below(name));
}

void JournalDisk::acknowledge(std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  events_.push_back({Kind::kAcknowledge, 0, {}, {}, number, {}});
}

void JournalDisk::fail(std::size_t call, rocksdb::IOStatus error, bool forever) {
  const std::lock_guard lock{mutex_};
  fail_at_ = call;
  error_ = std::move(error);
  forever_ = forever;
}

std::size_t JournalDisk::calls() const {
  const std::lock_guard lock{mutex_};
  return calls_;
}

std::size_t JournalDisk::failed() const {
  const std::lock_guard lock{mutex_};
  return failed_;
}

IoStatus JournalDisk::NewSequentialFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                        Context* context) {
  auto status = run([&] { return target()->NewSequentialFile(name, options, file, context); });
  if (status.ok()) *file = std::make_unique<DiskSequential>(*this, std::move(*file));
  return status;
}

IoStatus JournalDisk::NewRandomAccessFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                          Context* context) {
  auto status = run([&] { return target()->NewRandomAccessFile(name, options, file, context); });
  if (status.ok()) *file = std::make_unique<DiskReadable>(*this, std::move(*file));
  return status;
}

IoStatus JournalDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      Context* context) {
  auto status = run({Kind::kCreate, 0, below(name), {}, 0, {}},
                    [&] { return target()->NewWritableFile(name, options, file, context); });
  if (status.ok())
    *file = std::make_unique<DiskWritable>(*this, file_of(name), std::move(*file), 0);
  return status;
}

IoStatus JournalDisk::ReopenWritableFile(const std::string& name,
                                         const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* file,
                                         Context* context) {
  if (!fs::exists(name)) return NewWritableFile(name, options, file, context);
  auto status = run([&] { return target()->ReopenWritableFile(name, options, file, context); });
  if (!status.ok()) return status;
  *file =
      std::make_unique<DiskWritable>(*this, file_of(name), std::move(*file), fs::file_size(name));
  return status;
}

IoStatus JournalDisk::NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                      Context* context) {
  auto status = run([&] { return target()->NewRandomRWFile(name, options, file, context); });
  if (status.ok()) *file = std::make_unique<DiskInPlace>(*this, file_of(name), std::move(*file));
  return status;
}

IoStatus JournalDisk::NewDirectory(const std::string& name, const Options& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* directory,
                                   Context* context) {
  auto status = run([&] { return target()->NewDirectory(name, options, directory, context); });
  if (status.ok() && is_mine(name)) {
    *directory = std::make_unique<DiskFolder>(*this, below(name), std::move(*directory));
  }
  return status;
}

IoStatus JournalDisk::DeleteFile(const std::string& name, const Options& options,
                                 Context* context) {
  return run({Kind::kRemove, 0, below(name), {}, 0, {}},
             [&] { return target()->DeleteFile(name, options, context); });
}

IoStatus JournalDisk::CreateDir(const std::string& name, const Options& options, Context* context) {
  return run({Kind::kMakeFolder, 0, below(name), {}, 0, {}},
             [&] { return target()->CreateDir(name, options, context); });
}

IoStatus JournalDisk::CreateDirIfMissing(const std::string& name, const Options& options,
                                         Context* context) {
  if (fs::exists(name)) return run([] { return IoStatus::OK(); });
  return CreateDir(name, options, context);
}

IoStatus JournalDisk::DeleteDir(const std::string& name, const Options& options, Context* context) {
  return run({Kind::kRemoveFolder, 0, below(name), {}, 0, {}},
             [&] { return target()->DeleteDir(name, options, context); });
}

IoStatus JournalDisk::RenameFile(const std::string& from, const std::string& to,
                                 const Options& options, Context* context) {
  return run({Kind::kRename, 0, below(from), below(to), 0, {}},
             [&] { return target()->RenameFile(from, to, options, context); });
}

IoStatus JournalDisk::LinkFile(const std::string& from, const std::string& to,
                               const Options& options, Context* context) {
  return run({Kind::kLink, 0, below(from), below(to), 0, {}},
             [&] { return target()->LinkFile(from, to, options, context); });
}

// ---- what a power loss leaves

std::size_t JournalDisk::events() const {
  const std::lock_guard lock{mutex_};
  return events_.size();
}

bool JournalDisk::is_sync(std::size_t event) const {
  const std::lock_guard lock{mutex_};
  const auto kind = events_.at(event).kind;
  return kind == Kind::kSync || kind == Kind::kSyncFolder;
}

std::uint64_t JournalDisk::acknowledged(std::size_t event) const {
  const std::lock_guard lock{mutex_};
  std::uint64_t highest = 0;
  for (std::size_t i = 0; i < event; ++i) {
    if (events_[i].kind == Kind::kAcknowledge) highest = std::max(highest, events_[i].at);
  }
  return highest;
}

std::map<std::string, std::size_t> JournalDisk::names_at(std::size_t event, Loss loss,
                                                         std::mt19937_64& random,
                                                         std::vector<std::string>& folders) const {
  // Of each folder: all changes of names before this event are on the disk.
  std::map<std::string, std::size_t> kept;
  for (std::size_t i = 0; i < event; ++i) {
    if (events_[i].kind == Kind::kSyncFolder) kept[events_[i].path] = i;
    if (is_name(events_[i].kind)) kept.try_emplace(parent_of(events_[i].path), 0);
  }
  for (auto& [folder, until] : kept) {
    if (loss == Loss::kNothing) until = event;
    if (loss == Loss::kTorn || loss == Loss::kHoles) until += random() % (event - until + 1);
  }
  std::map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < event; ++i) {
    const auto& [kind, file, path, to, at, data] = events_[i];
    if (!is_name(kind) || i >= kept.at(parent_of(path))) continue;
    switch (kind) {
      case Kind::kCreate:
        names[path] = file;
        break;
      case Kind::kRemove:
        names.erase(path);
        break;
      case Kind::kMakeFolder:
        folders.push_back(path);
        break;
      case Kind::kRemoveFolder:
        std::erase(folders, path);
        break;
      case Kind::kRename:
        rename(names, path, to);
        for (auto& folder : folders) {
          if (folder == path) folder = to;
        }
        break;
      case Kind::kLink:
        names[to] = names.at(path);
        break;
      default:
        break;
    }
  }
  return names;
}

std::string JournalDisk::content_at(std::size_t file, std::size_t event, Loss loss,
                                    std::mt19937_64& random) const {
  std::size_t synced = 0;
  std::vector<std::size_t> changes;
  for (std::size_t i = 0; i < event; ++i) {
    if (events_[i].file != file) continue;
    if (events_[i].kind == Kind::kSync) synced = i;
    if (events_[i].kind == Kind::kWrite || events_[i].kind == Kind::kTruncate) changes.push_back(i);
  }
  const auto apply = [this](std::string& content, std::size_t i) {
    if (events_[i].kind == Kind::kTruncate) return content.resize(events_[i].at);
    put(content, events_[i].at, events_[i].data);
  };
  std::string sure;
  const auto first_lost =
      std::find_if(changes.begin(), changes.end(), [synced](std::size_t i) { return i > synced; });
  for (auto it = changes.begin(); it != first_lost; ++it) apply(sure, *it);
  if (loss == Loss::kAll || first_lost == changes.end()) return sure;
  if (loss == Loss::kTorn) {  // some writes, the last of them in part
    auto many = static_cast<std::size_t>(changes.end() - first_lost);
    many = random() % many;
    auto it = first_lost;
    for (; many > 0; --many, ++it) apply(sure, *it);
    const auto& torn = events_[*it];
    if (torn.kind == Kind::kWrite)
      put(sure, torn.at, torn.data.substr(0, random() % (torn.data.size() + 1)));
    return sure;
  }
  std::string full = sure;
  for (auto it = first_lost; it != changes.end(); ++it) apply(full, *it);
  if (loss == Loss::kNothing) return full;
  sure.resize(full.size());
  for (std::size_t at = 0; at < full.size(); at += kSector) {  // some sectors are as they were
    if (random() % 2 == 0) full.replace(at, kSector, sure, at, kSector);
  }
  return full;
}

void JournalDisk::rebuild(std::size_t event, Loss loss, std::uint64_t seed,
                          const std::string& folder) const {
  const std::lock_guard lock{mutex_};
  std::mt19937_64 random{seed};
  std::vector<std::string> folders;
  const auto names = names_at(event, loss, random, folders);
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& path : folders) {
    std::error_code no_parent;
    fs::create_directory(folder + path, no_parent);
  }
  for (const auto& [path, file] : names) {
    std::ofstream{folder + path, std::ios::binary} << content_at(file, event, loss, random);
  }
}

}  // namespace kvmesh::test
