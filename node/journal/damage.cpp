#include "node/journal/damage.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>

#include "common/text.h"
#include "node/journal/database_options.h"
#include "node/journal/layout.h"
#include "node/journal/load.h"
#include "node/journal/slices.h"

namespace kvmesh::journal {
namespace {

// Takes what is read, for nobody.
class Nobody final : public Loader {
 public:
  Status bucket(BucketId, std::string_view, std::string_view) override { return {}; }
  Status record(BucketId, std::string_view, const Record&) override { return {}; }
  Status note(BucketId, std::string_view, std::string_view) override { return {}; }
  void progress(const Recovered&) override {}
};

// A database that is only read.
class Reading {
 public:
  explicit Reading(const Database::Place& place)
      : env_(rocksdb::NewCompositeEnv(place.system)),
        options_(database_options(place, env_.get())) {
    auto db = open_to_read(options_, place.folder);
    if (!db.ok()) status_ = db.status();
    if (db.ok()) db_ = *std::move(db);
  }
  const Status& status() const { return status_; }

  Status check() {
    if (auto status = check_tables(*db_); !status.ok()) return status;
    Nobody nobody;
    Recovered counted;
    return load_all(*db_, nobody, counted);
  }

  std::string damaged_tables() {
    std::vector<rocksdb::LiveFileMetaData> tables;
    db_->GetLiveFilesMetaData(&tables);
    std::string out;
    for (const auto& table : tables) {
      rocksdb::SstFileReader reader{options_};
      auto status = reader.Open(db_->GetName() + "/" + table.relative_filename);
      if (status.ok()) status = reader.VerifyChecksum();
      if (status.ok()) continue;
      out += (out.empty() ? "" : ", ") + table.relative_filename + " (" +
             std::to_string(table.size) + " bytes, of " + buckets_of(table) + ")";
    }
    return out;
  }

 private:
  std::string buckets_of(const rocksdb::LiveFileMetaData& table) {
    const auto first = name_of(table.smallestkey);
    const auto last = name_of(table.largestkey);
    return first == last ? "the bucket " + first : "the buckets " + first + " to " + last;
  }

  // In quotes; its number when the name cannot be read.
  std::string name_of(const std::string& stored) {
    const auto key = decode_key(stored);
    const auto number = key ? std::max<BucketId>(key->bucket, 1) : 1;
    const auto start = bucket_key(number);
    const std::unique_ptr<rocksdb::Iterator> it{db_->NewIterator({})};
    it->Seek(start);
    if (it->Valid() && it->key() == start) {
      const auto bucket = decode_bucket(view(it->value()));
      if (bucket.ok()) return in_quotes(bucket->name);
    }
    return "number " + std::to_string(number);
  }

  std::unique_ptr<rocksdb::Env> env_;  // must outlive db_
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  Status status_;
};

}  // namespace

Status check_database(const Database::Place& place) {
  Reading reading{place};
  return reading.status().ok() ? reading.check() : reading.status();
}

std::string damaged_tables(const Database::Place& place) {
  Reading reading{place};
  return reading.status().ok() ? reading.damaged_tables() : std::string{};
}

}  // namespace kvmesh::journal
