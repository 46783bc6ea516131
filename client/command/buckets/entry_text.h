#pragma once

#include <kvmesh/buckets.h>
#include <kvmesh/value.h>
#include <kvmesh/watcher.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/remote/bucket_watch.h"

/// Keys with their revisions, and changes, as lines: columns with tabs between them, escaped, or
/// JSON. Pure.
namespace kvmesh::command {

using MaybeTtl = std::optional<std::chrono::milliseconds>;

/// "1500ms", as --ttl takes it; "-": for ever.
std::string ttl_text(const MaybeTtl& ttl);
Value ttl_json(const MaybeTtl& ttl);

/// What is printed of keys.
enum class Columns : std::uint8_t { kKeys, kRevisions, kValues };
/// "KEY", "KEY REV TTL" or "KEY REV TTL VALUE", with a line end.
std::string item_line(const ScanItem& item, Columns columns);
/// {"key","rev","ttl_ms","value"}, as far as the columns go; without an entry rev 0 and nulls.
Value item_json(std::string_view key, const Entry* entry, Columns columns);

/// The check that did not hold, for people.
std::string conflict_text(const Check& check, std::uint64_t rev);

/// A bucket that is followed, and what is printed of it.
class FollowedBucket {
 public:
  struct Form {
    bool json = false;
    bool with_bucket = false;  // lines begin with its name; in JSON they have it in any case
  };
  FollowedBucket(std::string bucket, WatchOptions options, Form form);

  remote::BucketWatch::Request next() const;

  struct Told {
    std::string lines;               // to print, with their ends
    std::vector<std::string> notes;  // for people
    Status failed;                   // and it is over
    std::chrono::milliseconds pause{0};
  };
  /// The answer to next().
  Told take(Outcome outcome);

 private:
  std::string lines_of(const WatchNews& news) const;
  std::string line_of(const Event& event) const;
  std::string line(std::string_view text, const Value& json) const;
  std::string note_of(const WatchNews& news) const;

  const std::string bucket_;
  const bool scans_;
  const Form form_;
  remote::BucketWatch watch_;
  std::uint64_t told_until_ = 0;
  std::optional<StatusCode> trouble_;  // that was told
  bool was_lost_ = false;              // the last answer, and nothing was told of it
};

}  // namespace kvmesh::command
