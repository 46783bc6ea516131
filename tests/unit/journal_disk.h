#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/file_system.h>

namespace kvmesh::test {

/// A disk under RocksDB that can lose power and break. All goes to the real files below `root`, but
/// is never synced there. What was written, synced, made, renamed and removed is recorded in its
/// order, so that the folder can be built as it would be after a power loss at any moment. What a
/// sync of a file promises is its content, what a sync of a folder promises is the names in it, and
/// nothing else promises anything. Thread-safe.
class JournalDisk final : public rocksdb::FileSystemWrapper {
 public:
  /// What becomes of what was not synced.
  enum class Loss { kAll, kNothing, kTorn, kHoles };

  /// What is below the root already counts as synced.
  explicit JournalDisk(std::string root);
  const char* Name() const override { return "JournalDisk"; }

  /// A place in the record: what was acknowledged until here.
  void acknowledge(std::uint64_t number);

  /// How many events there are; power may be lost before each, and after the last.
  std::size_t events() const;
  bool is_sync(std::size_t event) const;
  /// The highest number acknowledged before `event`.
  std::uint64_t acknowledged(std::size_t event) const;
  /// Fills `folder`, in the place of the root, with what a power loss before `event` leaves.
  void rebuild(std::size_t event, Loss loss, std::uint64_t seed, const std::string& folder) const;

  /// The call with this number, counted from 1, fails with `error`, and with `forever` all later
  /// ones.
  void fail(std::size_t call, rocksdb::IOStatus error, bool forever);
  std::size_t calls() const;
  /// How often it has failed.
  std::size_t failed() const;

  // What RocksDB and the journal call.
  using Options = rocksdb::IOOptions;
  using Context = rocksdb::IODebugContext;
  using Status = rocksdb::IOStatus;
  Status NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSSequentialFile>* file,
                           Context* context) override;
  Status NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                             Context* context) override;
  Status NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSWritableFile>* file, Context* context) override;
  Status ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                            std::unique_ptr<rocksdb::FSWritableFile>* file,
                            Context* context) override;
  Status NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSRandomRWFile>* file, Context* context) override;
  Status NewDirectory(const std::string& name, const Options& options,
                      std::unique_ptr<rocksdb::FSDirectory>* directory, Context* context) override;
  Status DeleteFile(const std::string& name, const Options& options, Context* context) override;
  Status CreateDir(const std::string& name, const Options& options, Context* context) override;
  Status CreateDirIfMissing(const std::string& name, const Options& options,
                            Context* context) override;
  Status DeleteDir(const std::string& name, const Options& options, Context* context) override;
  Status RenameFile(const std::string& from, const std::string& to, const Options& options,
                    Context* context) override;
  Status LinkFile(const std::string& from, const std::string& to, const Options& options,
                  Context* context) override;

  // What the files that it gives call.
  struct Event {
    enum class Kind {
      kCreate,
      kWrite,
      kTruncate,
      kSync,
      kMakeFolder,
      kRemoveFolder,
      kRename,
      kLink,
      kRemove,
      kSyncFolder,
      kAcknowledge
    };
    Kind kind;
    std::size_t file = 0;
    std::string path;      // below the root
    std::string to;        // of kRename, kLink
    std::uint64_t at = 0;  // offset, size or number
    std::string data;
  };
  /// Runs `real` and records the event, unless it is this call's turn to fail.
  Status run(Event event, const std::function<Status()>& real);
  /// Not for the record; may fail.
  Status run(const std::function<Status()>& real);

 private:
  bool is_mine(const std::string& name) const { return name.starts_with(root_); }
  std::string below(const std::string& name) const { return name.substr(root_.size()); }
  bool is_turn_to_fail();
  std::size_t file_of(const std::string& name);
  std::map<std::string, std::size_t> names_at(std::size_t event, Loss loss, std::mt19937_64& random,
                                              std::vector<std::string>& folders) const;
  std::string content_at(std::size_t file, std::size_t event, Loss loss,
                         std::mt19937_64& random) const;

  const std::string root_;
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  std::map<std::string, std::size_t> names_;  // the files that there are, by what is below the root
  std::size_t files_ = 0;
  std::size_t calls_ = 0;
  std::size_t fail_at_ = 0;
  std::size_t failed_ = 0;
  bool forever_ = false;
  rocksdb::IOStatus error_;
};

}  // namespace kvmesh::test
