#include "node/sim/scenario.h"

namespace kvmesh::sim {
namespace {

std::string_view word_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKill:
      return "kill";
    case FaultKind::kStart:
      return "start";
    case FaultKind::kFailSync:
      return "fail_sync";
    case FaultKind::kStop:
      return "stop";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kResume:
      return "resume";
    case FaultKind::kSlow:
      return "slow";
    case FaultKind::kCut:
      return "cut";
    case FaultKind::kPartition:
      return "partition";
    case FaultKind::kThrottle:
      return "throttle";
    case FaultKind::kHeal:
      return "heal";
    case FaultKind::kReload:
      return "reload";
    case FaultKind::kPeers:
      return "peers";
  }
  return "heal";
}

std::string set_text(const Plan& plan, const std::vector<NodeIndex>& nodes) {
  std::string out;
  for (const auto node : nodes)
    out.append(out.empty() ? "" : ",").append(plan.nodes[node].name.str());
  return nodes.size() == 1 ? out : "{" + out + "}";
}

std::string node_line(const Plan& plan, const NodePlan& node) {
  auto out = "node " + node.name.str();
  if (node.stores) out += " stores";
  if (node.has_slow_engine) out += " slow_engine";
  if (node.is_durable) out += " durable";
  if (node.memory_max != NodePlan{}.memory_max) out += " memory=" + std::to_string(node.memory_max);
  for (const auto peer : node.peers) out += " " + plan.nodes[peer].name.str();
  for (const auto& via : node.vias) {
    out += " " + via.node.str() + "=" + plan.nodes[node.peers[via.peer]].name.str();
  }
  return out + "\n";
}

std::string fault_line(const Plan& plan, const Fault& fault) {
  auto out = "at " + time_text(fault.at) + " " + std::string{word_of(fault.kind)};
  if (fault.kind == FaultKind::kHeal) return out + "\n";
  out += " " + set_text(plan, fault.first);
  if (is_two_sided(fault.kind)) out += " " + set_text(plan, fault.second);
  if (fault.kind == FaultKind::kThrottle) out += " " + std::to_string(fault.rate);
  if (fault.kind == FaultKind::kSlow) out += " " + time_text(fault.amount);
  if (fault.kind == FaultKind::kPeers) out += " " + set_text(plan, fault.second);
  const bool has_table = fault.kind == FaultKind::kReload || fault.kind == FaultKind::kPeers;
  if (has_table && !fault.table.entries().empty()) out += " " + table_text(fault.table);
  return out + "\n";
}

std::string request_line(const Plan& plan, const Request& request) {
  auto out = "at " + time_text(request.at) + " ask " + plan.nodes[request.node].name.str() + " " +
             escape_word(plan.buckets[request.bucket]) + " " +
             std::string{function_of(request.operation)};
  if (has_key(request.operation)) out += " " + key_text(request.key);
  if (lists(request.operation)) {
    if (request.key != kNextPage) out += " " + key_text(request.key);
    out += " " + value_text(request.value, 0);
  }
  if (request.operation == Operation::kChanges) {
    out += " " + value_text(request.value, 0) + " wait=" + std::to_string(request.wait_ms) + "ms";
  }
  if (request.operation == Operation::kRead || request.operation == Operation::kApply) {
    out += batch_text(plan.batches[request.batch]);
  }
  if (request.operation == Operation::kPut || request.operation == Operation::kApply) {
    out += " " + value_text(request.value, 0);
    if (request.value_bytes > 0) out += ":" + std::to_string(request.value_bytes);
  }
  return out + " timeout=" + std::to_string(request.timeout_ms) + "ms\n";
}

}  // namespace

std::string write_scenario(const Plan& plan) {
  std::string out = "seed " + std::to_string(plan.seed) + "\n";
  const auto& network = plan.network;
  out += "network delay=" + time_text(network.delay) + " jitter=" + time_text(network.jitter) +
         " requests=" + std::to_string(network.window_requests) +
         " bytes=" + std::to_string(network.window_bytes) +
         " pipe=" + std::to_string(network.pipe_frames) +
         " buffer=" + std::to_string(network.buffer_bytes);
  if (network.rate != NetworkPlan::kNoRate) out += " rate=" + std::to_string(network.rate);
  out += "\n";
  for (const auto& node : plan.nodes) out += node_line(plan, node);
  for (const auto& node : plan.nodes) {
    if (!node.table.entries().empty()) {
      out += "table " + node.name.str() + " " + table_text(node.table) + "\n";
    }
  }
  for (const auto& request : plan.requests) out += request_line(plan, request);
  for (const auto& fault : plan.faults) out += fault_line(plan, fault);
  return out;
}

}  // namespace kvmesh::sim
