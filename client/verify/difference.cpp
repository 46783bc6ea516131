#include "client/verify/difference.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace kvmesh::verify {
namespace {

// Names that belong to the same nodes: by these, sorted.
using Parts = std::map<std::vector<std::string>, NameSet>;

// All names, by who stores them: each report's ownerships cut what the ones before have left.
Parts parts_of(const Report& report) {
  NameSet all;
  all.insert(ByteRange{});
  Parts out{{{}, all}};
  for (const auto& ownership : report.owners) {
    Parts next;
    for (auto& [owners, names] : out) {
      const auto shared = common_to(names, ownership.names);
      names.remove(shared);
      if (!names.empty()) next[owners].insert(names);
      if (shared.empty()) continue;
      std::set<std::string> more{owners.begin(), owners.end()};
      more.insert(ownership.node);
      next[{more.begin(), more.end()}].insert(shared);
    }
    out = std::move(next);
  }
  return out;
}

}  // namespace

Difference difference(const Report& before, const Report& after) {
  Difference out;
  std::ranges::set_difference(after.nodes, before.nodes, std::back_inserter(out.joined));
  std::ranges::set_difference(before.nodes, after.nodes, std::back_inserter(out.left));
  const auto to_parts = parts_of(after);
  for (const auto& [from, names] : parts_of(before)) {
    for (const auto& [to, others] : to_parts) {
      const auto shared = common_to(names, others);
      if (from != to && !shared.empty()) out.changes.push_back({shared, from, to});
    }
  }
  std::ranges::sort(out.changes, {}, [](const Change& change) { return change.names.first(); });
  return out;
}

}  // namespace kvmesh::verify
