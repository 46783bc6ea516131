#include "node/journal/load.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <rocksdb/db.h>

#include "common/text.h"
#include "node/journal/files.h"
#include "node/journal/layout.h"
#include "node/journal/slices.h"

namespace kvmesh::journal {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kReadahead = std::size_t{2} << 20;

rocksdb::ReadOptions sequential() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = kReadahead;
  return options;
}

// One pass over all entries. `bucket_` is the one whose entries come.
class Load {
 public:
  Load(Loader& loader, Recovered& recovered) : loader_(loader), recovered_(recovered) {}

  Status entry(std::string_view key, std::string_view value) {
    const auto stored = decode_key(key);
    if (!stored) return damaged("there is an entry with the key " + in_quotes(key));
    if (stored->kind == StoredKey::Kind::kGroup) return {};  // read before
    recovered_.bytes += stored->name.size() + value.size();
    if (stored->kind == StoredKey::Kind::kBucket) return bucket(*stored, value);
    if (stored->bucket != bucket_) {
      return damaged(place(*stored) + " is in bucket number " + std::to_string(stored->bucket) +
                     ", which does not exist");
    }
    auto status =
        stored->kind == StoredKey::Kind::kRecord ? record(*stored, value) : note(*stored, value);
    return status.ok() ? status : named(status, ": " + place(*stored));
  }

 private:
  static Status damaged(std::string text) { return {StatusCode::kInternal, std::move(text)}; }
  static std::string place(const StoredKey& stored) {
    return (stored.kind == StoredKey::Kind::kRecord ? "key " : "note ") + in_quotes(stored.name);
  }
  Status named(const Status& status, const std::string& place) const {
    return {status.code(), "bucket " + in_quotes(name_) + place + ": " + status.text()};
  }

  Status bucket(const StoredKey& stored, std::string_view value) {
    const auto found = decode_bucket(value);
    if (!found.ok()) {
      return damaged("bucket number " + std::to_string(stored.bucket) + ": " +
                     found.status().text());
    }
    bucket_ = stored.bucket;
    name_ = found->name;
    ++recovered_.buckets;
    auto status = loader_.bucket(bucket_, name_, found->meta);
    return status.ok() ? status : named(status, "");
  }

  Status record(const StoredKey& stored, std::string_view value) {
    const auto found = decode_record(value);
    if (!found.ok()) return found.status();
    ++recovered_.keys;
    return loader_.record(bucket_, stored.name, *found);
  }

  Status note(const StoredKey& stored, std::string_view value) {
    const auto found = decode_note(value);
    if (!found.ok()) return found.status();
    ++recovered_.notes;
    return loader_.note(bucket_, stored.name, *found);
  }

  Loader& loader_;
  Recovered& recovered_;
  BucketId bucket_ = 0;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<rocksdb::DB>> open_to_read(const rocksdb::Options& options,
                                                  const std::string& folder) {
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(options, folder, &db);
  if (!status.ok()) return refused_by_system(folder, status);
  return std::unique_ptr<rocksdb::DB>{db};
}

Status check_tables(rocksdb::DB& db) {
  const auto status = db.VerifyChecksum(sequential());
  return status.ok() ? Status{} : refused_by_system("reading", status);
}

Status load_all(rocksdb::DB& db, Loader& loader, Recovered& recovered) {
  Load load{loader, recovered};
  const auto began = Clock::now();
  auto told = began;
  std::size_t entries = 0;
  const std::unique_ptr<rocksdb::Iterator> it{db.NewIterator(sequential())};
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (auto status = load.entry(view(it->key()), view(it->value())); !status.ok()) return status;
    if (++entries % 1024 != 0 || Clock::now() - told < std::chrono::seconds{1}) continue;
    told = Clock::now();
    recovered.loading = std::chrono::duration_cast<std::chrono::milliseconds>(told - began);
    loader.progress(recovered);
  }
  if (!it->status().ok()) return refused_by_system("reading", it->status());
  recovered.loading = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  return {};
}

}  // namespace kvmesh::journal
