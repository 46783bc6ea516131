#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/faults.h"
#include "common/config/settings.h"
#include "common/config/value.h"

namespace kvmesh::config {

/// Settings in the making: each value has been judged by itself, and still knows its place for the
/// checks that compare values with each other.
struct Draft {
  // An entry of mesh.peers. Of address and via it has one, or none where that was faulty.
  struct Peer {
    NodeName name;
    std::optional<std::string> address;
    std::optional<NodeName> via;
    Place place;  // of the address or the via
  };
  struct Entry {
    RouteEntry route;
    std::size_t index = 0;  // in the array as written; faulty entries are left out here
    Place place;
  };

  Settings settings;           // without peers, vias and routing table
  std::vector<Peer> peers;     // becomes settings.mesh.peers and settings.mesh.vias
  std::vector<Entry> entries;  // becomes settings.kv.routing_table
  Place whole;                 // where to complain about what is missing
  std::map<std::string, Place, std::less<>>
      places;                                 // of each known key that some layer gave a value
  std::set<std::string, std::less<>> faulty;  // known keys whose value was refused

  bool given(std::string_view key) const { return places.find(key) != places.end(); }
  /// Whether the key's value, given or default, can be relied on.
  bool sound(std::string_view key) const { return faulty.find(key) == faulty.end(); }
  /// Where the key's value came from.
  Place place_of(std::string_view key) const {
    const auto found = places.find(key);
    return found == places.end() ? whole : found->second;
  }
};

}  // namespace kvmesh::config
