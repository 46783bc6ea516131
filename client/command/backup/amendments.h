#pragma once

#include <kvmesh/buckets.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/command/backup/backup_block.h"

namespace kvmesh::command {

/// What has changed in a bucket while its pages were read, one after the other, so that together
/// they are what the bucket was at one instant: at the last change that is noted. No I/O, no clock.
///
/// A change of a key that no page has passed yet is not noted, as the page will show it. Memory:
/// the keys that have changed behind the pages, with their values.
class Amendments {
 public:
  /// Changes in their order. The pages were read up to `passed`, and all of them without it.
  /// False: the bucket was dropped.
  bool note(std::vector<Event> events, const std::optional<std::string>& passed,
            std::int64_t now_ms);

  /// Puts right the next page in the order of the keys; `is_last`: what follows it is added, too.
  void amend(std::vector<BackupRecord>& page, bool is_last);

 private:
  struct Change {
    bool is_gone = false;
    bool has_value = false;  // else it is the page's
    BackupRecord record;     // its key is the map's
  };
  std::map<std::string, Change> changes_;
};

}  // namespace kvmesh::command
