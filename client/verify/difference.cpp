#include "client/verify/difference.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace kvmesh::verify {
namespace {

std::vector<std::string> owners_of(const Report& report, std::uint8_t byte) {
  std::set<std::string> out;
  for (const auto& ownership : report.owners) {
    if (ownership.bytes.holds(byte)) out.insert(ownership.node);
  }
  return {out.begin(), out.end()};
}

}  // namespace

Difference difference(const Report& before, const Report& after) {
  Difference out;
  std::ranges::set_difference(after.nodes, before.nodes, std::back_inserter(out.joined));
  std::ranges::set_difference(before.nodes, after.nodes, std::back_inserter(out.left));
  std::map<std::pair<std::vector<std::string>, std::vector<std::string>>, ByteSet> changes;
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::uint8_t>(value);
    auto from = owners_of(before, byte);
    auto to = owners_of(after, byte);
    if (from != to) changes[{std::move(from), std::move(to)}].insert(byte);
  }
  for (auto& [owners, bytes] : changes) out.changes.push_back({bytes, owners.first, owners.second});
  std::ranges::sort(out.changes, {}, [](const Change& change) { return change.bytes.first(); });
  return out;
}

}  // namespace kvmesh::verify
