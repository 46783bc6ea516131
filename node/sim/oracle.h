#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <kvmesh/status.h>

#include "node/sim/plan.h"
#include "node/sim/shadow.h"
#include "node/sim/tables.h"
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
  /// A function of `node` has run for it, with `timeout_ms` left, and answers so.
  void executed(std::uint32_t number, NodeIndex node, std::uint64_t timeout_ms, std::uint32_t hops,
                StatusCode code, std::string_view result);
  /// Some node on the way has answered it as outcome_unknown: it may be executed any time later.
  void given_up(std::uint32_t number) { records_[number].is_given_up = true; }
  /// Its asker has the answer. `excused_until`: its node was late itself until then.
  void answered(std::uint32_t number, StatusCode code, std::string_view result, Micros now,
                Micros excused_until);
  /// The node is gone with its store, and so are those who asked there.
  void killed(NodeIndex node);
  /// The run is over: everything that was asked must be answered.
  void finish();

  const Shadow& shadow(NodeIndex node) const { return shadows_[node]; }

  /// What became of the requests.
  struct Figures {
    std::uint64_t asked = 0;
    std::uint64_t executed = 0;
    std::uint64_t abandoned = 0;  // not asked, or their asker was killed
    std::vector<std::uint64_t> by_status = std::vector<std::uint64_t>(kStatusCodeCount);
    std::vector<std::uint32_t> latencies_us;  // of those answered kOk, in order of their answers
    std::vector<std::uint64_t> hops = std::vector<std::uint64_t>(limits::kHopsMax + 1);
  };
  const Figures& figures() const { return figures_; }

 private:
  struct Record {
    Micros asked{};
    std::uint64_t tables = 0;  // their version when it was asked
    std::uint64_t result = 0;  // hash of what the execution answered
    std::uint32_t order = 0;   // among all that were asked
    Tables::End end;           // where the tables led when it was asked
    StatusCode executed_code = StatusCode::kOk;
    StatusCode answered_code = StatusCode::kOk;
    bool is_asked = false;
    bool is_executed = false;
    bool is_answered = false;
    bool is_given_up = false;
    bool is_abandoned = false;
  };

  std::string describe(std::uint32_t number) const;
  void violate(std::string_view check, std::uint32_t number, const std::string& what);
  void check_place(std::uint32_t number, NodeIndex node);
  void check_order(std::uint32_t number);
  void check_answer(std::uint32_t number, StatusCode code, std::string_view result);
  void check_code(std::uint32_t number, StatusCode code, Micros now);

  const Plan& plan_;
  const Tables& tables_;
  Violations& violations_;
  Plan::Calm calm_;
  std::vector<Record> records_;
  std::vector<Shadow> shadows_;
  // By asker and bucket: the youngest request that was executed.
  std::unordered_map<std::uint64_t, std::uint32_t> youngest_;
  std::uint32_t order_ = 0;
  Figures figures_;
};

}  // namespace kvmesh::sim
