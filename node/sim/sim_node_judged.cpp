// What a simulated node decides, held against what the referee decides.
#include <algorithm>
#include <string>
#include <utility>

#include "common/wire/record.h"
#include "node/sim/process.h"
#include "node/sim/sim_node.h"
#include "node/sim/timing.h"

namespace kvmesh::sim {

void SimNode::check_path(const RequestView& request) {
  if (request.hops >= limits::kHopsMax) violate("hops", "passes a request on after too many hops");
  auto path = request.path;
  while (const auto step = wire::take_path_step(path)) {
    if (step->node == plan().name.str())
      violate("loop", "passes a request on that it has passed on before");
  }
}

Referee::Decision SimNode::decide(const RequestView& request, bool is_full) {
  const auto link_to = [&](NodeIndex node) {
    const auto& peers = plan().peers;
    const auto peer = static_cast<std::uint16_t>(std::ranges::find(peers, node) - peers.begin());
    const auto& over = process_->ledger.over(PeerIndex{peer});
    const auto left = unsent(peer);
    return Referee::LinkState{process_->links[peer].state == Link::State::kUp,
                              std::max(over.requests, left.requests), over.bytes, left.bytes};
  };
  return world_.referee.decide(index_, request, request.timeout_ms == 0, is_full, link_to);
}

// It executes the request itself, or passes it on.
void SimNode::judge_way(const RequestView& request, NodeIndex to) {
  const auto right = decide(request, false);
  if (right.code == StatusCode::kOk && right.next == to) return;
  const auto name = [&](NodeIndex node) { return world_.plan.nodes[node].name.str(); };
  violate(
      "wrong_hop",
      "gives request " + std::to_string(number_of(request)) + " to " + name(to) + " where " +
          (right.code == StatusCode::kOk ? name(right.next)
                                         : std::string{to_string(right.code)} + " as an answer") +
          " is right");
}

// It answers an error at once.
void SimNode::judge_failure(const core::Origin& origin, StatusCode code) {
  const auto incoming = std::ranges::find_if(run_, [&](const auto& candidate) {
    return candidate.origin.connection == origin.connection &&
           candidate.origin.request == origin.request;
  });
  if (incoming == run_.end()) {
    return violate("no_cause", "answers " + std::string{to_string(code)} +
                                   " though nothing has happened to the request");
  }
  const auto& request = incoming->request;
  const auto right = decide(request, process_->core.in_flight() >= limits::kInFlightMax);
  if (right.code == code) return;
  violate("no_cause",
          "answers request " + std::to_string(number_of(request)) + " with " +
              std::string{to_string(code)} + " where " +
              (right.code == StatusCode::kOk ? "nothing is wrong"
                                             : std::string{to_string(right.code)} + " is right"));
}

}  // namespace kvmesh::sim
