#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>

#include <kvmesh/status.h>

#include "common/request.h"
#include "node/sim/plan.h"
#include "node/sim/tables.h"

namespace kvmesh::sim {

/// What a node must do with a request, by the steps of PROTOCOL.md 1.9, told by a reader of that
/// page who does not know node/core. Every error has exactly one cause here, faults or not.
class Referee {
 public:
  Referee(const Plan& plan, const Tables& tables) : plan_(plan), tables_(tables) {}

  /// The link to a peer, as the node's shell knows it.
  struct LinkState {
    bool is_up = false;
    std::size_t requests = 0;  // in flight, or not sent yet
    std::size_t bytes = 0;
    std::size_t unsent_bytes = 0;
  };
  using Links = absl::FunctionRef<LinkState(NodeIndex peer)>;

  struct Decision {
    StatusCode code = StatusCode::kOk;  // kOk: it goes to `next`, or is executed if that is itself
    NodeIndex next = 0;
  };
  /// `is_over`: its time is over when it reaches the node; `is_full`: the node has as many requests
  /// under way as it takes.
  Decision decide(NodeIndex node, const RequestView& request, bool is_over, bool is_full,
                  Links links) const;

 private:
  Decision at_home(NodeIndex node, const RequestView& request) const;

  const Plan& plan_;
  const Tables& tables_;
};

}  // namespace kvmesh::sim
