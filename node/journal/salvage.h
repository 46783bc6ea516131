#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <kvmesh/status.h>

#include "node/journal/database.h"
#include "node/journal/files.h"

namespace rocksdb {
class DB;
class Env;
struct Options;
}  // namespace rocksdb

namespace kvmesh::journal {

/// Puts a database of what can be read of a damaged one in its place. Of one whose blocks are
/// damaged everything else is there, as it was (islands.h). When tables are missing, or the list of
/// them, RocksDB's own repair is made first, on hard links: so a key may have a value that it had
/// earlier, and a deleted one may be there again. Then entries go that belong to no bucket any
/// more; of two buckets of one name, the older one. The files as they were stay, in
/// `db.damaged-NUMBER`.
class Salvage {
 public:
  /// `known_group`: the last one that was there. Groups, revisions and buckets are counted on after
  /// it and after all that was found. The first two must outlive this.
  Salvage(const Database::Place& place, const Files& files, std::uint64_t known_group);
  ~Salvage();
  Salvage(const Salvage&) = delete;
  Salvage& operator=(const Salvage&) = delete;

  /// An earlier one was broken off in its last step: only finish() is left.
  bool is_half_placed() const { return files_.exists(made()) && !files_.exists(place_.folder); }
  /// All but the last step; what was broken off before is begun anew. What there is, in words.
  Result<std::string> make();
  /// Puts it in its place, and tells where the damaged files are.
  Result<std::string> finish();

 private:
  std::string linked() const { return place_.folder + ".linked"; }
  std::string making() const { return place_.folder + ".repairing"; }
  std::string made() const { return place_.folder + ".repaired"; }
  Status clear();
  Result<std::unique_ptr<rocksdb::DB>> open_repaired();
  template <typename Wanted>
  Status link_if(Wanted wanted);
  std::uint64_t first_of_log(const std::string& path) const;
  Result<std::string> fill(rocksdb::DB& from);

  const Database::Place& place_;
  const Files& files_;
  std::uint64_t known_group_;
  std::unique_ptr<rocksdb::Env> env_;  // must outlive the options
  std::unique_ptr<rocksdb::Options> options_;
};

}  // namespace kvmesh::journal
