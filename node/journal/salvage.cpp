#include "node/journal/salvage.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/write_batch.h>

#include "common/text.h"
#include "node/journal/database_options.h"
#include "node/journal/islands.h"
#include "node/journal/layout.h"
#include "node/journal/load.h"
#include "node/journal/record_format.h"
#include "node/journal/slices.h"

namespace kvmesh::journal {
namespace {

constexpr int kSweptMax = 1000;

// "1 key", "2 keys".
std::string count_of(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Leaves in a database what a Loader can take, and counts it.
class Sweep {
 public:
  Sweep(rocksdb::DB& db, std::uint64_t known_group) : db_(db) { group_.number = known_group; }

  Status run() {
    const std::unique_ptr<rocksdb::Iterator> it{db_.NewIterator({})};
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (!keeps(view(it->key()), view(it->value()))) {
        batch_.Delete(it->key());
        ++left_out_;
      }
      if (batch_.Count() < kSweptMax) continue;
      if (auto status = write(); !status.ok()) return status;
    }
    if (!it->status().ok()) return refused_by_system("reading", it->status());
    batch_.Put(slice(group_key()), encode(group_));
    return write();
  }

  std::string found() const {
    std::uint64_t keys = 0;
    for (const auto& [name, bucket] : buckets_) keys += bucket.keys;
    auto out = count_of(keys, "key") + " in " + count_of(buckets_.size(), "bucket");
    if (left_out_ > 0) out += ", without " + count_of(left_out_, "other") + " of no bucket";
    return out;
  }

 private:
  struct Bucket {
    BucketId number = 0;
    std::uint64_t keys = 0;
  };

  bool keeps(std::string_view key, std::string_view value) {
    const auto stored = decode_key(key);
    if (!stored) return false;
    group_.bucket = std::max(group_.bucket, stored->bucket);
    switch (stored->kind) {
      case StoredKey::Kind::kGroup:
        return keeps_group(value);
      case StoredKey::Kind::kBucket:
        return keeps_bucket(stored->bucket, value);
      case StoredKey::Kind::kRecord:
        return stored->bucket == bucket_ && keeps_record(value);
      case StoredKey::Kind::kNote:
        return stored->bucket == bucket_ && decode_note(value).ok();
    }
    return false;
  }

  bool keeps_group(std::string_view value) {
    const auto found = decode_group(value);
    if (!found.ok()) return false;
    group_.number = std::max(group_.number, found->number);
    group_.revision = std::max(group_.revision, found->revision);
    group_.bucket = std::max(group_.bucket, found->bucket);
    return true;
  }

  bool keeps_bucket(BucketId bucket, std::string_view value) {
    const auto found = decode_bucket(value);
    if (!found.ok()) return false;
    bucket_ = bucket;
    auto& known = buckets_[std::string{found->name}];
    // That one was dropped, and its end is lost.
    if (known.number != 0)
      batch_.DeleteRange(bucket_key(known.number), bucket_key(known.number + 1));
    known = {bucket, 0};
    keys_ = &known.keys;
    return true;
  }

  bool keeps_record(std::string_view value) {
    const auto found = decode_record(value);
    if (!found.ok()) return false;
    group_.revision = std::max(group_.revision, found->revision);
    ++*keys_;
    return true;
  }

  Status write() {
    const auto status = db_.Write({}, &batch_);
    batch_.Clear();
    return status.ok() ? Status{} : refused_by_system("write", status);
  }

  rocksdb::DB& db_;
  rocksdb::WriteBatch batch_;
  GroupRecord group_;
  std::map<std::string, Bucket> buckets_;  // by their names
  BucketId bucket_ = 0;                    // whose entries come
  std::uint64_t* keys_ = nullptr;          // of that one
  std::uint64_t left_out_ = 0;
};

}  // namespace

Salvage::Salvage(const Database::Place& place, const Files& files, std::uint64_t known_group)
    : place_(place),
      files_(files),
      known_group_(known_group),
      env_(rocksdb::NewCompositeEnv(place.system)),
      options_(std::make_unique<rocksdb::Options>(database_options(place, env_.get()))) {
  options_->memtable_factory = std::make_shared<rocksdb::SkipListFactory>();  // it is read here
}

Salvage::~Salvage() = default;

Result<std::string> Salvage::make() {
  auto status = clear();
  if (status.ok()) status = files_.remove_folder(made());
  if (!status.ok()) return status;
  auto from = open_to_read(*options_, place_.folder);
  if (!from.ok()) from = open_repaired();
  if (!from.ok()) return from.status();
  auto found = fill(**from);
  if (!found.ok()) return found.status();
  from->reset();
  status = files_.rename(making(), made());
  return status.ok() ? std::move(found) : status;
}

Result<std::string> Salvage::finish() {
  if (auto status = clear(); !status.ok()) return status;
  const auto damaged = [this](int number) {
    return place_.folder + ".damaged-" + std::to_string(number);
  };
  int number = 1;
  while (files_.exists(damaged(number))) ++number;
  if (is_half_placed()) {
    --number;
  } else if (auto status = files_.rename(place_.folder, damaged(number)); !status.ok()) {
    return status;
  }
  auto status = files_.rename(made(), place_.folder);
  if (!status.ok()) return status;
  return damaged(number);
}

// What one that was broken off has left.
Status Salvage::clear() {
  auto status = files_.remove_folder(making());
  if (status.ok()) status = files_.remove_folder(linked() + "/lost");  // RocksDB makes that
  return status.ok() ? files_.remove_folder(linked()) : status;
}

// Where tables are missing, or the list of them, RocksDB's repair makes a list of what it finds.
// Then come the logs that no table has: a repair would make another table of each.
Result<std::unique_ptr<rocksdb::DB>> Salvage::open_repaired() {
  auto status = files_.make_folder(linked());
  if (status.ok()) status = link_if([](const auto& name) { return name.ends_with(".sst"); });
  if (!status.ok()) return status;
  options_->track_and_verify_wals_in_manifest = false;  // a repair writes none of them down
  const auto repaired = rocksdb::RepairDB(linked(), *options_);
  if (!repaired.ok()) return refused_by_system(linked(), repaired);
  std::uint64_t last = 0;
  {
    const auto tables = open_to_read(*options_, linked());
    if (!tables.ok()) return tables.status();
    last = (*tables)->GetLatestSequenceNumber();
  }
  status = link_if([&](const auto& name) {
    return name.ends_with(".log") && first_of_log(place_.folder + "/" + name) > last;
  });
  return status.ok() ? open_to_read(*options_, linked()) : status;
}

template <typename Wanted>
Status Salvage::link_if(Wanted wanted) {
  const auto names = files_.list(place_.folder);
  if (!names.ok()) return names.status();
  if (!names->has_value()) return {};
  for (const auto& name : **names) {
    if (!wanted(name)) continue;
    auto status = files_.link(place_.folder + "/" + name, linked() + "/" + name);
    if (!status.ok()) return status;
  }
  return {};
}

// The sequence number of the first write in a log. Behind the head of the first record (checksum,
// size, kind: 7 bytes) stands that of the write, in little-endian; see RocksDB's "Write Ahead Log
// File Format". 0: there is none.
std::uint64_t Salvage::first_of_log(const std::string& path) const {
  constexpr std::size_t kHead = 7;
  const auto content = files_.read(path);
  if (!content.ok() || !content->has_value() || (*content)->size() < kHead + 8) return 0;
  std::uint64_t out = 0;
  for (std::size_t i = 8; i > 0; --i) {
    out = out << 8 | static_cast<unsigned char>((**content)[kHead + i - 1]);
  }
  return out;
}

Result<std::string> Salvage::fill(rocksdb::DB& from) {
  if (auto status = files_.make_folder(making()); !status.ok()) return status;
  options_->create_if_missing = true;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(*options_, making(), &db);
  options_->create_if_missing = false;
  if (!status.ok()) return refused_by_system(making(), status);
  const std::unique_ptr<rocksdb::DB> to{db};
  if (auto copied = copy_islands(from, *options_, *to); !copied.ok()) return copied;
  Sweep sweep{*to, known_group_};
  if (auto swept = sweep.run(); !swept.ok()) return swept;
  status = to->Flush({});
  if (status.ok()) status = to->SyncWAL();
  if (status.ok()) status = to->Close();
  if (!status.ok()) return refused_by_system(making(), status);
  return sweep.found();
}

}  // namespace kvmesh::journal
