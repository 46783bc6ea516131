#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace kvmesh::command {

/// Notices that a node that stored lines of an import has begun anew since then, and so has lost
/// them: stores are in memory. The owner of a bucket is the node that its first byte leads to; it
/// is asked (node.info, for the bucket) along with the first request of each byte, and when all
/// lines are settled. Another incarnation, or another node, is told. No clock, no I/O; one thread.
class ImportOwners {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Told {
    std::string node;
    std::uint64_t incarnation = 0;
    bool keeps = false;  // its buckets outlive it
    std::chrono::milliseconds uptime{0};
  };
  /// What the result of node.info says; kProtocolError when it does not.
  static Result<Told> told_of(const Value& info);

  /// Failures of the last questions are repeated for so long.
  explicit ImportOwners(std::chrono::milliseconds retry_for) : retry_for_(retry_for) {}

  /// Whether the owner of `bucket` is to be asked before the request that is about to be sent for
  /// it. Then on_told() is owed.
  bool asks_first(const std::string& bucket, Time now);
  /// Something of `bucket` was stored.
  void on_stored(std::string_view bucket, Time now);
  /// The owner's answer.
  void on_told(std::uint8_t byte, const Result<Told>& told, Time now);

  /// When all lines are settled: a byte whose owner is to be asked again, if there is one now.
  std::optional<std::uint8_t> next_check(Time now);
  /// Some bucket that begins with it.
  const std::string& bucket_of(std::uint8_t byte) const { return bytes_[byte].bucket; }
  /// All are asked and have answered, or did not for long enough.
  bool is_checked() const;

  /// Nodes that have begun anew since they stored lines.
  const std::set<std::string>& restarted() const { return restarted_; }
  /// When they did, or a little earlier, by the bytes that lead to them.
  const std::map<std::uint8_t, Time>& restarts() const { return restarts_; }
  /// What else is to be told: sentences.
  const std::set<std::string>& remarks() const { return remarks_; }

 private:
  enum class Phase : std::uint8_t { kUnknown, kAsked, kKnown, kCheckAsked, kChecked };
  struct Byte {
    std::string bucket;
    Phase phase = Phase::kUnknown;
    std::optional<Told> first;
    std::optional<Time> stored_since;
    Time asked;
    Time again;  // not to be asked before
  };

  void compare(const Byte& byte, const Told& told);
  void note_restart(const Byte& byte, const Told& told);

  std::chrono::milliseconds retry_for_;
  std::array<Byte, 256> bytes_;
  std::optional<Time> checks_since_;
  std::set<std::string> restarted_;
  std::map<std::uint8_t, Time> restarts_;
  std::set<std::string> remarks_;
};

}  // namespace kvmesh::command
