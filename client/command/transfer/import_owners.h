#pragma once

#include <kvmesh/operation.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmesh::command {

/// Notices that a node that stored lines of an import has begun anew since then, and so has lost
/// them: stores are in memory. The owner of a bucket is the node that its first byte leads to, or,
/// where some table on the way leaves that to hashes, its first byte and its hash; it is asked
/// (node.info, for the bucket, with a trace) along with the first request of each, and when all
/// lines are settled. Another incarnation, or another node, is told. No clock, no I/O; one thread.
class ImportOwners {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Buckets that have one owner: a first byte, or kByHash and more for one with a hash.
  using Part = std::uint32_t;
  static constexpr Part kByHash = 256;

  struct Told {
    std::string node;
    std::uint64_t incarnation = 0;
    bool keeps = false;  // its buckets outlive it
    std::chrono::milliseconds uptime{0};
    bool by_hash = false;  // some entry on the way was by hash
  };
  /// What the result of node.info, and its trace, say; kProtocolError when they do not.
  static Result<Told> told_of(const Value& info, const std::vector<Hop>& trace);
  /// Whether a bucket is of the part.
  static bool is_of(std::string_view bucket, Part part);

  /// Failures of the last questions are repeated for so long.
  explicit ImportOwners(std::chrono::milliseconds retry_for) : retry_for_(retry_for) {}

  /// Whether the owner of `bucket` is to be asked before the request that is about to be sent for
  /// it. Then on_told() is owed.
  bool asks_first(const std::string& bucket, Time now);
  /// The one that a bucket is of, as far as is known.
  Part part_of(std::string_view bucket) const;
  /// Something of `bucket` was stored.
  void on_stored(std::string_view bucket, Time now);
  /// The owner's answer to the question for some bucket of the part.
  void on_told(Part part, const Result<Told>& told, Time now);

  /// When all lines are settled: a part whose owner is to be asked again, if there is one now.
  std::optional<Part> next_check(Time now);
  /// Some bucket of it. REQUIRES: one was asked for.
  const std::string& bucket_of(Part part) const { return parts_.at(part).bucket; }
  /// All are asked and have answered, or did not for long enough.
  bool is_checked() const;

  /// Nodes that have begun anew since they stored lines.
  const std::set<std::string>& restarted() const { return restarted_; }
  /// When they did, or a little earlier, by the parts that lead to them.
  const std::map<Part, Time>& restarts() const { return restarts_; }
  /// What else is to be told: sentences.
  const std::set<std::string>& remarks() const { return remarks_; }

 private:
  enum class Phase : std::uint8_t { kUnknown, kAsked, kKnown, kCheckAsked, kChecked };
  struct State {
    std::string bucket;
    Phase phase = Phase::kUnknown;
    std::optional<Told> first;
    std::optional<Time> stored_since;
    Time asked;
    Time again;  // not to be asked before
  };

  void compare(Part part, const State& state, const Told& told);
  void note_restart(Part part, const State& state, const Told& told);
  void divide(std::uint8_t byte);

  std::chrono::milliseconds retry_for_;
  std::map<Part, State> parts_;
  RouteKeys divided_;  // first bytes of which the hash decides, too
  // Of first bytes that nobody has told of yet: by hash, a bucket of which something was stored,
  // and since when.
  std::map<std::uint8_t, std::map<std::uint8_t, std::pair<std::string, Time>>> undecided_;
  std::optional<Time> checks_since_;
  std::set<std::string> restarted_;
  std::map<Part, Time> restarts_;
  std::set<std::string> remarks_;
};

}  // namespace kvmesh::command
