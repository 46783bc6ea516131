#include "node/sim/scans.h"

#include <utility>

namespace kvmesh::sim {

std::optional<std::uint16_t> Scans::begin(std::uint32_t number) {
  const auto& request = plan_.requests[number];
  auto& asked = asked_[number];
  if (request.key != kNextPage) {
    asked.after = request.key;
  } else {
    asked.after = scans_[{request.node, request.bucket}].after;
  }
  if (asked.after) after_.emplace(number, *asked.after);
  return asked.after;
}

std::optional<std::uint16_t> Scans::after(std::uint32_t number) const {
  const auto found = after_.find(number);
  return found == after_.end() ? std::nullopt : std::optional{found->second};
}

void Scans::executed(std::uint32_t number, NodeIndex node, const Shadow& shadow,
                     Shadow::Page page) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;  // its asker has given it up
  found->second.store = node;
  found->second.store_life = shadow.lives();
  found->second.execution = shadow.executions();
  found->second.page = std::move(page);
}

std::optional<NodeIndex> Scans::store_of(std::uint32_t number) const {
  const auto found = asked_.find(number);
  return found == asked_.end() ? std::nullopt : found->second.store;
}

std::string Scans::answered(std::uint32_t number, bool is_good, const Shadow* shadow) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return {};
  const auto asked = std::move(found->second);
  asked_.erase(found);
  const auto& request = plan_.requests[number];
  if (request.key != kNextPage) return {};
  auto& scan = scans_[{request.node, request.bucket}];
  if (asked.after != scan.after) return {};  // a page that the scan has already
  if (!is_good || !asked.store || shadow == nullptr || shadow->lives() != asked.store_life) {
    scan = {};
    return {};
  }
  if (!scan.store) {
    scan.store = asked.store;
    scan.store_life = asked.store_life;
    scan.began = asked.execution;
  } else if (scan.store != asked.store || scan.store_life != asked.store_life) {
    scan = {};
    return {};
  }
  scan.seen.insert(asked.page.keys.begin(), asked.page.keys.end());
  if (!asked.page.keys.empty()) scan.after = asked.page.keys.back();
  if (asked.page.more) return {};
  ++judged_;
  return judge(request.bucket, std::exchange(scan, {}), *shadow);
}

std::string Scans::judge(std::uint32_t bucket, const Scan& scan, const Shadow& shadow) const {
  const auto held = shadow.buckets().find(bucket);
  if (held != shadow.buckets().end()) {
    for (const auto& [key, stored] : held->second.keys) {
      if (!scan.seen.contains(key) && shadow.held_since(bucket, key, scan.began)) {
        return "has not seen " + key_text(key) + ", which was there throughout";
      }
    }
  }
  for (const auto key : scan.seen) {
    if (!shadow.held_at_times(bucket, key, scan.began)) {
      return "has seen " + key_text(key) + ", which was not there at any time";
    }
  }
  return {};
}

void Scans::killed(NodeIndex node) {
  std::erase_if(scans_, [node](const auto& scan) { return scan.first.first == node; });
  std::erase_if(asked_,
                [&](const auto& asked) { return plan_.requests[asked.first].node == node; });
}

}  // namespace kvmesh::sim
