#include "node/journal/database.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include "node/journal/database_options.h"
#include "node/journal/files.h"
#include "node/journal/load.h"
#include "node/journal/slices.h"

namespace kvmesh::journal {
namespace {

// Tells of errors of flushes and compactions, and keeps RocksDB from going on after them.
class Failures final : public rocksdb::EventListener {
 public:
  explicit Failures(std::function<void(const std::string&)> failed) : failed_(std::move(failed)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    const bool damaged = status->IsCorruption();
    failed_(status->ToString() +
            (damaged ? "; files are damaged: restore the state_dir from a backup" : ""));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::function<void(const std::string&)> failed_;
};

// It has the first key of all. By an iterator: of a memtable, RocksDB 7.8 gets a key by one that it
// never deletes.
Result<GroupRecord> last_group(rocksdb::DB& db) {
  const std::unique_ptr<rocksdb::Iterator> it{db.NewIterator({})};
  it->SeekToFirst();
  if (!it->status().ok()) return refused_by_system("the last group", it->status());
  const auto key = it->Valid() ? it->key() : rocksdb::Slice{};
  if (key != slice(group_key())) return GroupRecord{};
  return decode_group(view(it->value()));
}

}  // namespace

struct Database::Parts {
  std::string folder;
  std::unique_ptr<rocksdb::Env> env;  // must outlive db
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::WriteBatch batch;
};

Database::Database(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Database::~Database() = default;

Result<Database::Found> Database::look(const Place& place, std::uint64_t enough) {
  const auto env = rocksdb::NewCompositeEnv(place.system);
  const auto db = open_to_read(database_options(place, env.get()), place.folder);
  if (!db.ok()) return db.status();
  if (auto tables = check_tables(**db); !tables.ok()) return tables;
  Found found{(*db)->GetLatestSequenceNumber(), {}};
  if (found.sequence >= enough) return found;
  const auto group = last_group(**db);
  if (!group.ok()) return group.status();
  found.group = *group;
  return found;
}

Result<std::unique_ptr<Database>> Database::open(const Place& place, bool create,
                                                 std::function<void(const std::string&)> failed) {
  auto parts = std::make_unique<Parts>();
  parts->folder = place.folder;
  parts->env = rocksdb::NewCompositeEnv(place.system);
  auto options = database_options(place, parts->env.get());
  options.create_if_missing = create;
  options.error_if_exists = create;
  options.listeners.push_back(std::make_shared<Failures>(std::move(failed)));
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, place.folder, &db);
  if (!status.ok()) return refused_by_system(place.folder, status);
  parts->db.reset(db);
  const auto group = last_group(*db);
  if (!group.ok()) return group.status();
  std::unique_ptr<Database> database{new Database(std::move(parts))};
  database->group_ = *group;
  return database;
}

Status Database::load(Loader& loader, Recovered& recovered) {
  return load_all(*parts_->db, loader, recovered);
}

Status Database::begin() {
  const auto status = parts_->db->EnableAutoCompaction({parts_->db->DefaultColumnFamily()});
  return status.ok() ? Status{} : refused_by_system(parts_->folder, status);
}

void Database::add(const Chunk& chunk) {
  for (auto bytes = chunk.content(); !bytes.empty();) {
    const auto op = next_op(bytes);
    switch (op.kind) {
      case StagedOp::Kind::kPut:
        parts_->batch.Put(slice(op.key), slice(op.value));
        break;
      case StagedOp::Kind::kDelete:
        parts_->batch.Delete(slice(op.key));
        break;
      case StagedOp::Kind::kDeleteBucket:
        parts_->batch.DeleteRange(slice(op.key), bucket_key(get_u64(op.key.data()) + 1));
        break;
    }
  }
}

Status Database::write(const GroupRecord& group, bool sync) {
  parts_->batch.Put(slice(group_key()), encode(group));
  rocksdb::WriteOptions options;
  options.sync = sync;
  const auto status = parts_->db->Write(options, &parts_->batch);
  parts_->batch.Clear();
  group_ = group;
  return status.ok() ? Status{} : refused_by_system("write", status);
}

std::uint64_t Database::sequence() const { return parts_->db->GetLatestSequenceNumber(); }

Status Database::sync() {
  const auto status = parts_->db->SyncWAL();
  return status.ok() ? Status{} : refused_by_system("sync", status);
}

std::uint64_t Database::bytes_on_disk() const {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it{parts_->folder, error}, end; !error && it != end;
       it.increment(error)) {
    const auto extension = it->path().extension();
    if (extension != ".sst" && extension != ".log") continue;
    std::error_code gone;
    const auto size = it->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

Status Database::flush() {
  const auto status = parts_->db->Flush({});
  return status.ok() ? Status{} : refused_by_system("flush", status);
}

}  // namespace kvmesh::journal
