#pragma once

#include <memory>
#include <utility>

#include "journal_disk.h"

namespace kvmesh::test {

/// Files of a JournalDisk: each tells it what is done with it.
class DiskWritable final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  DiskWritable(JournalDisk& disk, std::size_t file, std::unique_ptr<rocksdb::FSWritableFile> real,
               std::uint64_t size)
      : FSWritableFileOwnerWrapper(std::move(real)), disk_(disk), file_(file), size_(size) {}

  using Status = rocksdb::IOStatus;
  Status Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                rocksdb::IODebugContext* context) override {
    return append(data, options, context);
  }
  Status Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) override {
    return append(data, options, context);
  }
  Status Truncate(uint64_t size, const rocksdb::IOOptions& options,
                  rocksdb::IODebugContext* context) override {
    auto status = disk_.run({Event::Kind::kTruncate, file_, {}, {}, size, {}},
                            [&] { return target()->Truncate(size, options, context); });
    if (status.ok()) size_ = size;
    return status;
  }
  Status Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return sync(); }
  Status Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return sync(); }
  Status RangeSync(uint64_t, uint64_t, const rocksdb::IOOptions&,
                   rocksdb::IODebugContext*) override {
    return Status::OK();
  }
  Status Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return disk_.run([&] { return target()->Close(options, context); });
  }

 private:
  using Event = JournalDisk::Event;

  Status sync() {
    return disk_.run({Event::Kind::kSync, file_, {}, {}, 0, {}}, [] { return Status::OK(); });
  }
  // A write that fails has written a half of it.
  Status append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                rocksdb::IODebugContext* context) {
    const auto write = [&](std::size_t size) {
      return target()->Append({data.data(), size}, options, context);
    };
    auto status = disk_.run({Event::Kind::kWrite, file_, {}, {}, size_, data.ToString()},
                            [&] { return write(data.size()); });
    if (status.ok()) {
      size_ += data.size();
    } else if (write(data.size() / 2).ok()) {
      size_ += data.size() / 2;
    }
    return status;
  }

  JournalDisk& disk_;
  std::size_t file_;
  std::uint64_t size_;
};

class DiskInPlace final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  DiskInPlace(JournalDisk& disk, std::size_t file, std::unique_ptr<rocksdb::FSRandomRWFile> real)
      : FSRandomRWFileOwnerWrapper(std::move(real)), disk_(disk), file_(file) {}

  using Status = rocksdb::IOStatus;
  Status Write(uint64_t offset, const rocksdb::Slice& data, const rocksdb::IOOptions& options,
               rocksdb::IODebugContext* context) override {
    return disk_.run({Event::Kind::kWrite, file_, {}, {}, offset, data.ToString()},
                     [&] { return target()->Write(offset, data, options, context); });
  }
  Status Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return sync(); }
  Status Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return sync(); }

 private:
  using Event = JournalDisk::Event;

  Status sync() {
    return disk_.run({Event::Kind::kSync, file_, {}, {}, 0, {}}, [] { return Status::OK(); });
  }

  JournalDisk& disk_;
  std::size_t file_;
};

class DiskFolder final : public rocksdb::FSDirectoryWrapper {
 public:
  DiskFolder(JournalDisk& disk, std::string path, std::unique_ptr<rocksdb::FSDirectory> real)
      : FSDirectoryWrapper(std::move(real)), disk_(disk), path_(std::move(path)) {}

  using Status = rocksdb::IOStatus;
  Status Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return sync(); }
  Status FsyncWithDirOptions(const rocksdb::IOOptions&, rocksdb::IODebugContext*,
                             const rocksdb::DirFsyncOptions&) override {
    return sync();
  }

 private:
  Status sync() {
    return disk_.run({JournalDisk::Event::Kind::kSyncFolder, 0, path_, {}, 0, {}},
                     [] { return Status::OK(); });
  }

  JournalDisk& disk_;
  std::string path_;
};

class DiskReadable final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  DiskReadable(JournalDisk& disk, std::unique_ptr<rocksdb::FSRandomAccessFile> real)
      : FSRandomAccessFileOwnerWrapper(std::move(real)), disk_(disk) {}

  using Status = rocksdb::IOStatus;
  Status Read(uint64_t offset, std::size_t size, const rocksdb::IOOptions& options,
              rocksdb::Slice* result, char* scratch,
              rocksdb::IODebugContext* context) const override {
    return disk_.run(
        [&] { return target()->Read(offset, size, options, result, scratch, context); });
  }

 private:
  JournalDisk& disk_;
};

class DiskSequential final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  DiskSequential(JournalDisk& disk, std::unique_ptr<rocksdb::FSSequentialFile> real)
      : FSSequentialFileOwnerWrapper(std::move(real)), disk_(disk) {}

  using Status = rocksdb::IOStatus;
  Status Read(std::size_t size, const rocksdb::IOOptions& options, rocksdb::Slice* result,
              char* scratch, rocksdb::IODebugContext* context) override {
    return disk_.run([&] { return target()->Read(size, options, result, scratch, context); });
  }

 private:
  JournalDisk& disk_;
};

}  // namespace kvmesh::test
