#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/store/revision.h"

/// What is read of several keys of one bucket at once.
namespace kvmesh::store {

/// What is stored under a key.
struct Entry {
  Revision rev = 0;
  std::string value;
  std::optional<std::uint64_t> ttl_ms;  // until it expires; none: it never does

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Keys that were read in one instant.
struct Entries {
  Revision rev = 0;  // of the bucket's last change
  std::vector<std::optional<Entry>> entries;

  friend bool operator==(const Entries&, const Entries&) = default;
};

/// Keys in ascending byte order, with what is stored under them, as they were in one instant.
struct ScanPage {
  struct Item {
    std::string key;
    Entry entry;
    friend bool operator==(const Item&, const Item&) = default;
  };
  bool more = false;    // keys after the last one exist
  bool values = false;  // they were wanted
  Revision rev = 0;     // of the bucket's last change
  std::vector<Item> items;
  std::string passed;  // of a page that is not complete: up to here, all keys have expired

  friend bool operator==(const ScanPage&, const ScanPage&) = default;
};

}  // namespace kvmesh::store
