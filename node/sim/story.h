#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/sim/plan.h"
#include "node/sim/recorder.h"

namespace kvmesh::sim {

/// Writes a run down as a story of tests/scenario (tests/scenario/README.md): the same inputs to
/// the same cores in the same order. Not everything can be told there; of such a run there is no
/// story.
class StoryWriter final : public Recorder {
 public:
  explicit StoryWriter(const Plan& plan) : plan_(plan) {}

  /// The story, without what its commands print; empty when it cannot be told. `property` becomes
  /// its first line.
  std::optional<std::string> story(const std::string& property) const;

  void asked(std::uint32_t number, Micros now) override;
  std::uint64_t sent(NodeIndex dialer, NodeIndex server, bool is_reply) override;
  void delivered(std::uint64_t record, Micros now) override;
  void up(NodeIndex dialer, NodeIndex server, Micros now) override;
  void draining(NodeIndex dialer, NodeIndex server, Micros now) override;
  void unsent(NodeIndex dialer, NodeIndex server, const std::vector<std::uint64_t>& records,
              Micros now) override;
  void down(NodeIndex dialer, NodeIndex server, const std::string& why, Micros now) override;
  void expired(NodeIndex node, Micros now) override;
  void expired_unsent(std::uint64_t /*record*/) override { is_told_ = false; }
  void reloaded(NodeIndex node, const RoutingTable& table, Micros now) override;
  void peers_changed(NodeIndex node, const std::vector<NodeIndex>& peers, const RoutingTable& table,
                     Micros now) override;
  void started(NodeIndex node, Micros now) override;
  void killed(NodeIndex node, Micros now) override;
  void stopped(NodeIndex node, Micros now) override;

 private:
  using Pair = std::pair<NodeIndex, NodeIndex>;  // dialer and server
  // What a story has under way; the records of an older connection are gone when a new one opens.
  struct Line {
    bool open = false;
    std::vector<std::uint64_t> requests;
    std::vector<std::uint64_t> replies;
  };
  struct Record {
    Pair between;
    bool is_reply = false;
  };

  void say(const std::string& line, Micros now);
  const std::string& name(NodeIndex node) const { return plan_.nodes[node].name.str(); }

  const Plan& plan_;
  std::string lines_;
  bool is_told_ = true;  // all of it could be told so far
  std::map<Pair, Line> connections_;
  std::vector<Record> records_;
  Micros told_until_{};
};

}  // namespace kvmesh::sim
