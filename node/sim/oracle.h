#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <kvmesh/status.h>

#include "node/sim/follows.h"
#include "node/sim/node_clock.h"
#include "node/sim/plan.h"
#include "node/sim/promised.h"
#include "node/sim/scans.h"
#include "node/sim/shadow.h"
#include "node/sim/tables.h"
#include "node/sim/told_revisions.h"
#include "node/sim/violations.h"

namespace kvmesh::sim {

/// Watches a run from outside: told what was asked, executed and answered, it says which promise
/// was broken. A store executes in some order, and each execution lies between its question and
/// its answer; so when every answer is the one that a plain map gives in that order, the history
/// of each key is linearizable, and that order is the proof. Deterministic; one for each run.
class Oracle {
 public:
  Oracle(const Plan& plan, const Tables& tables, Violations& violations);

  /// Request `number` (its place in the plan) reaches its node's core.
  void asked(std::uint32_t number, Micros now);
  /// It was never asked, as its node was down.
  void not_asked(std::uint32_t number);
  /// After which key does the page begin that this kv.keys asks for?
  std::optional<std::uint16_t> page_after(std::uint32_t number) { return scans_.begin(number); }
  /// Which revisions does this kv.apply ask for? Those that anybody was told last.
  const std::vector<store::Revision>& checks(std::uint32_t number);
  /// After which revision does this kv.changes ask?
  store::Revision changes_after(std::uint32_t number) { return follows_.begin(number); }
  /// It has come over a link. As the receiver could not know better, it may be executed `late`
  /// after its deadline for this hop's sake.
  void passed_on(std::uint32_t number, Micros late) { records_[number].late_allowed += late; }
  /// A function of `node` has run for it, with `timeout_ms` left, and answers so.
  void executed(std::uint32_t number, NodeIndex node, std::uint64_t timeout_ms, std::uint32_t hops,
                StatusCode code, std::string_view result, Micros now, store::Moment moment = 0);

  // Of what is executed at once, and told later: on a durable node, or when it waits for changes.

  /// The same, but nobody is told yet. `takes_changes`: its disk has not failed.
  void began(std::uint32_t number, NodeIndex node, std::uint64_t timeout_ms, std::uint32_t hops,
             Micros now, store::Moment moment, bool takes_changes);
  bool has_begun(std::uint32_t number) const { return begun_.contains(number); }
  /// What it must be told with. REQUIRES: has_begun().
  StatusCode must_tell(std::uint32_t number) const { return begun_.at(number).code; }
  /// `node` tells what came of it.
  void told(std::uint32_t number, NodeIndex node, StatusCode code, std::string_view result);
  /// Its disk has failed, and it does not tell: it answers that nothing was done.
  void withheld(std::uint32_t number);
  /// It has ended, with this on its disk. Before killed().
  void crashed(NodeIndex node, const SimDisk::Content& disk, store::Moment moment);
  /// A node that it reached after so many hops answers this error itself, and has a cause for it;
  /// `is_over`: the cause is that its time is over.
  /// After outcome_unknown it may be executed any time later.
  void failed(std::uint32_t number, StatusCode code, std::uint32_t hops, Micros now, bool is_over);
  /// Its asker has the answer. `excused_until`: its node was late itself until then.
  void answered(std::uint32_t number, StatusCode code, std::string_view result, Micros now,
                Micros excused_until);
  /// The node is gone with what it had in memory, and so are those who asked there.
  void killed(NodeIndex node);
  /// The run is over: everything that was asked must be answered.
  void finish();

  const Shadow& shadow(NodeIndex node) const { return shadows_[node]; }

  /// What became of the requests.
  struct Figures {
    std::uint64_t asked = 0;
    std::uint64_t executed = 0;
    std::uint64_t abandoned = 0;  // not asked, or their asker was killed
    std::uint64_t late = 0;       // executed after their asker's deadline
    Micros late_most{};           // by so much
    Micros late_allowed{};        // most that could be explained, of those that were late
    std::uint64_t scans = 0;      // of a bucket's keys, that were judged
    std::uint64_t changes = 0;    // of buckets that were told to those who follow, and judged
    std::uint64_t crashes = 0;    // of durable nodes, whose disks were judged
    std::vector<std::uint64_t> by_status = std::vector<std::uint64_t>(kStatusCodeCount);
    std::vector<std::uint32_t> latencies_us;  // of those answered kOk, in order of their answers
    std::vector<std::uint64_t> hops = std::vector<std::uint64_t>(limits::kHopsMax + 1);
  };
  const Figures& figures() const { return figures_; }

 private:
  struct Record {
    Micros asked{};
    Micros late_allowed{};
    std::uint64_t tables = 0;    // their version for its byte when it was asked
    std::uint64_t result = 0;    // hash of what the execution answered
    std::uint32_t order = 0;     // among all that were asked
    std::uint32_t failures = 0;  // a bit for each code that some node has answered itself
    Tables::End end;             // where the tables led when it was asked
    StatusCode executed_code = StatusCode::kOk;
    StatusCode answered_code = StatusCode::kOk;
    bool is_asked = false;
    bool is_executed = false;
    bool is_answered = false;
    bool is_abandoned = false;
  };

  static std::uint64_t hash_of(std::string_view bytes);
  std::string describe(std::uint32_t number) const;
  void violate(std::string_view check, std::uint32_t number, const std::string& what);
  Micros due(std::uint32_t number) const {
    return records_[number].asked + std::chrono::milliseconds{plan_.requests[number].timeout_ms};
  }
  // What a node's clock may be wrong in that time.
  Micros drift(std::uint32_t number) const {
    return Micros{plan_.requests[number].timeout_ms * NodeClock::kDriftPpmMost / 1000} + Micros{1};
  }
  // Whether no table that it may have met has changed since it was asked.
  bool has_one_way(std::uint32_t number) const;
  bool has_failed(std::uint32_t number, StatusCode code) const;
  void check_begin(std::uint32_t number, std::uint64_t timeout_ms, Micros now);
  Shadow::Answer execute(std::uint32_t number, NodeIndex node, store::Moment moment,
                         bool takes_changes, bool says_full);
  void note(std::uint32_t number, NodeIndex node, const Shadow::Answer& must, std::uint32_t hops);
  void judge_answer(std::uint32_t number, NodeIndex node, Shadow::Answer& must, StatusCode code,
                    std::string_view result);
  std::string judge_changes(std::uint32_t number, NodeIndex node, Shadow::Answer& must,
                            StatusCode code, std::string_view result);
  void withhold(std::uint32_t number);
  void check_time(std::uint32_t number, std::uint64_t timeout_ms, Micros now);
  void check_place(std::uint32_t number, NodeIndex node);
  void check_order(std::uint32_t number, NodeIndex node);
  void check_answer(std::uint32_t number, StatusCode code, std::string_view result);
  void check_code(std::uint32_t number, StatusCode code, Micros now);
  void check_scan(std::uint32_t number, StatusCode code);

  const Plan& plan_;
  const Tables& tables_;
  Violations& violations_;
  Plan::Calm calm_;
  std::vector<Record> records_;
  std::vector<Shadow> shadows_;
  std::vector<ToldRevisions> told_;                          // by node
  std::unordered_map<NodeIndex, Promised> promised_;         // of durable nodes
  std::unordered_map<std::uint32_t, Shadow::Answer> begun_;  // what they must tell
  // By bucket and key: the revision that anybody was told last; and what was asked for.
  std::map<std::pair<std::uint32_t, std::uint16_t>, store::Revision> revisions_;
  std::unordered_map<std::uint32_t, std::vector<store::Revision>> checks_;
  Scans scans_;
  Follows follows_;
  // By asker and bucket: the youngest request that was executed.
  std::unordered_map<std::uint64_t, std::uint32_t> youngest_;
  std::uint32_t order_ = 0;
  Figures figures_;
};

}  // namespace kvmesh::sim
