#include "common/config/faults.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace kvmesh::config {

void Faults::add(const Place& place, std::string_view key, std::string_view text) {
  std::string line = place.to_string();
  line.append(": ").append(key).append(": ").append(text);
  faults_.push_back({place, std::move(line)});
}

std::vector<std::string> Faults::lines() const {
  std::vector<Fault> sorted = faults_;
  std::ranges::stable_sort(sorted, [](const Fault& a, const Fault& b) {
    return std::tie(a.place.origin, a.place.source, a.place.line) <
           std::tie(b.place.origin, b.place.source, b.place.line);
  });
  std::vector<std::string> out;
  out.reserve(sorted.size());
  for (Fault& fault : sorted) out.push_back(std::move(fault.line));
  return out;
}

}  // namespace kvmesh::config
