#include "node/journal/islands.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_batch.h>

#include "node/journal/files.h"
#include "node/journal/integers.h"
#include "node/journal/slices.h"

namespace kvmesh::journal {
namespace {

constexpr int kBatchMax = 1000;
constexpr int kHalvesMax = 10;  // a thousandth of what lies between two damaged blocks is found

// The keys from `low` on, below `high`.
struct Range {
  std::string low;
  std::string high;
  friend auto operator<=>(const Range&, const Range&) = default;
};

std::string after(std::string_view key) { return std::string{key} + '\0'; }

rocksdb::ReadOptions once() {
  rocksdb::ReadOptions out;
  out.fill_cache = false;
  return out;
}

// The eight bytes from there on, as a number.
std::uint64_t number_at(std::string_view key, std::size_t at) {
  std::string bytes(8, '\0');
  if (at < key.size()) key.substr(at, bytes.size()).copy(bytes.data(), bytes.size());
  return get_u64(bytes.data());
}

std::optional<std::string> middle_of(const Range& range) {
  const auto differ = std::ranges::mismatch(range.low, range.high).in1 - range.low.begin();
  const auto at = static_cast<std::size_t>(differ);
  const auto first = number_at(range.low, at);
  const auto last = number_at(range.high, at);
  if (last - first < 2) return std::nullopt;
  std::string middle = range.low.substr(0, at) + std::string(8, '\0');
  put_u64(first + (last - first) / 2, middle.data() + at);
  return middle;
}

// Which keys damaged blocks of one table may have. An iterator ends at the first such block; so one
// goes from each end to the damage, and what lies between several is looked for by halves.
class Damage {
 public:
  Damage(const rocksdb::Options& options, const std::string& path) : reader_(options) {
    opens_ = reader_.Open(path).ok();
  }

  // Within this.
  std::vector<Range> find(const Range& all) {
    opens_ ? look(all, kHalvesMax) : unreadable_.push_back(all);
    return std::move(unreadable_);
  }

 private:
  void look(Range range, int halves) {
    if (read_up(range)) return;
    read_down(range);
    const auto middle = halves > 0 ? middle_of(range) : std::nullopt;
    if (!middle) return unreadable_.push_back(std::move(range));
    look({range.low, *middle}, halves - 1);
    look({*middle, range.high}, halves - 1);
  }

  // True: nothing is left of the range.
  bool read_up(Range& range) {
    const std::unique_ptr<rocksdb::Iterator> it{reader_.NewIterator(once())};
    for (it->Seek(range.low); it->Valid(); it->Next()) {
      if (view(it->key()) >= range.high) return true;
      range.low = after(view(it->key()));
    }
    return it->status().ok();
  }

  void read_down(Range& range) {
    const std::unique_ptr<rocksdb::Iterator> it{reader_.NewIterator(once())};
    for (it->SeekForPrev(range.high); it->Valid(); it->Prev()) {
      if (view(it->key()) < range.low) return;
      if (view(it->key()) < range.high) range.high = view(it->key());
    }
  }

  rocksdb::SstFileReader reader_;
  bool opens_ = false;
  std::vector<Range> unreadable_;
};

// What damaged blocks of all tables may have, in the order of the keys.
std::vector<Range> unreadable_of(rocksdb::DB& db, const rocksdb::Options& options) {
  std::vector<rocksdb::LiveFileMetaData> tables;
  db.GetLiveFilesMetaData(&tables);
  std::vector<Range> out;
  for (const auto& table : tables) {
    Damage damage{options, db.GetName() + "/" + table.relative_filename};
    for (auto& range : damage.find({table.smallestkey, after(table.largestkey)})) {
      out.push_back(std::move(range));
    }
  }
  std::ranges::sort(out);
  return out;
}

class Copy {
 public:
  Copy(rocksdb::DB& from, rocksdb::DB& to) : from_(from), to_(to) {}

  // Ranges between the unreadable ones. RocksDB 7.8 may pass over a damaged block in silence where
  // ranges were deleted (its pull request 11786), so an iterator that ends at one is not enough.
  Status run(const std::vector<Range>& unreadable) {
    std::string low;
    for (const auto& range : unreadable) {
      if (low < range.low) copy(low, range.low);
      low = std::max(low, range.high);
    }
    copy(low, std::nullopt);
    write();
    return status_;
  }

 private:
  void copy(const std::string& low, const std::optional<std::string>& high) {
    const std::unique_ptr<rocksdb::Iterator> it{from_.NewIterator(once())};
    for (it->Seek(low); it->Valid() && status_.ok(); it->Next()) {
      if (high && view(it->key()) >= *high) return;
      batch_.Put(it->key(), it->value());
      if (batch_.Count() >= kBatchMax) write();
    }
  }

  void write() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;  // it counts only when all of it is there, and flushed
    const auto status = to_.Write(options, &batch_);
    batch_.Clear();
    if (!status.ok()) status_ = refused_by_system("write", status);
  }

  rocksdb::DB& from_;
  rocksdb::DB& to_;
  rocksdb::WriteBatch batch_;
  Status status_;
};

}  // namespace

Status copy_islands(rocksdb::DB& from, const rocksdb::Options& options, rocksdb::DB& to) {
  return Copy{from, to}.run(unreadable_of(from, options));
}

}  // namespace kvmesh::journal
