#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "node/sim/plan.h"
#include "node/sim/shadow.h"

namespace kvmesh::sim {

/// What askers see of a bucket's keys who ask for one page after the other (kNextPage). When a scan
/// has come to its end, each key that was there throughout must have been in a page, and no key
/// that was there at no time. One scan for each asker and bucket; a page that fails, or that comes
/// from another store than the first, begins it anew.
class Scans {
 public:
  explicit Scans(const Plan& plan) : plan_(plan) {}

  /// Request `number` is asked: after which key does its page begin?
  std::optional<std::uint16_t> begin(std::uint32_t number);
  /// That key, later on, also when its asker is gone.
  std::optional<std::uint16_t> after(std::uint32_t number) const;
  /// `node` has made its page.
  void executed(std::uint32_t number, NodeIndex node, const Shadow& shadow, Shadow::Page page);
  /// It is answered, well or not. Says what was wrong with the scan that it ends; empty: nothing.
  std::string answered(std::uint32_t number, bool is_good, const Shadow* shadow);
  /// The store that made its page, if one did.
  std::optional<NodeIndex> store_of(std::uint32_t number) const;
  /// Scans that came to their end.
  std::uint64_t judged() const { return judged_; }
  /// Those who asked at `node` are gone.
  void killed(NodeIndex node);

 private:
  struct Scan {
    std::optional<std::uint16_t> after;  // the last key that was seen
    std::optional<NodeIndex> store;      // empty: no page has come yet
    std::uint64_t store_life = 0;
    std::uint64_t began = 0;  // at that execution
    std::set<std::uint16_t> seen;
  };
  struct Asked {
    std::optional<std::uint16_t> after;
    std::optional<NodeIndex> store;  // empty: not executed yet
    std::uint64_t store_life = 0;
    std::uint64_t execution = 0;
    Shadow::Page page;
  };

  std::string judge(std::uint32_t bucket, const Scan& scan, const Shadow& shadow) const;

  const Plan& plan_;
  std::map<std::pair<NodeIndex, std::uint32_t>, Scan> scans_;  // by asker's node and bucket
  std::unordered_map<std::uint32_t, Asked> asked_;             // pages without an answer
  std::unordered_map<std::uint32_t, std::uint16_t> after_;     // of all pages but first ones
  std::uint64_t judged_ = 0;
};

}  // namespace kvmesh::sim
