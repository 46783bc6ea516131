#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "node/journal/change.h"

namespace kvmesh::journal {

/// What was found at the start.
struct Recovered {
  std::uint64_t groups = 0;    ///< the number of the last one
  std::uint64_t revision = 0;  ///< the highest that was ever appended
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  std::uint64_t notes = 0;
  std::uint64_t bytes = 0;               ///< of names, keys, values and notes
  std::chrono::milliseconds opening{0};  ///< until RocksDB was there
  std::chrono::milliseconds loading{0};  ///< all of it given to the Loader
  /// What accept_loss went on without; for the log, one line each. Empty: nothing was lost.
  std::vector<std::string> losses;
};

/// Who gets all that is kept, at the start: bucket after bucket in the order of their ids, of each
/// first the bucket, then its records in the order of their keys, then its notes. Called on the
/// thread of Journal::open(). Views live until the call returns. An error ends the opening with
/// its text, after the names of bucket and key.
class Loader {
 public:
  Loader() = default;
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  virtual ~Loader() = default;

  virtual Status bucket(BucketId bucket, std::string_view name, std::string_view meta) = 0;
  virtual Status record(BucketId bucket, std::string_view key, const Record& record) = 0;
  virtual Status note(BucketId bucket, std::string_view name, std::string_view content) = 0;
  /// About each second, with what was given so far.
  virtual void progress(const Recovered& so_far) = 0;
};

}  // namespace kvmesh::journal
