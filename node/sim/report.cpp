#include "node/sim/report.h"

#include <algorithm>
#include <cstdio>

namespace kvmesh::sim {
namespace {

std::string millis(std::uint32_t micros) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", static_cast<double>(micros) / 1000);
  return text;
}

std::string latencies(std::vector<std::uint32_t> sorted) {
  if (sorted.empty()) return "none was answered ok";
  std::ranges::sort(sorted);
  const auto at = [&](std::size_t permille) {
    return millis(sorted[std::min(sorted.size() - 1, sorted.size() * permille / 1000)]);
  };
  return "p50 " + at(500) + ", p90 " + at(900) + ", p99 " + at(990) + ", p99.9 " + at(999) +
         ", most " + millis(sorted.back());
}

std::string hops(const std::vector<std::uint64_t>& counts) {
  std::uint64_t all = 0;
  std::uint64_t sum = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    all += counts[i];
    sum += i * counts[i];
    if (counts[i] > 0) most = i;
  }
  char text[64];
  const auto mean = all == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(all);
  std::snprintf(text, sizeof text, "%.2f on average, %zu at most", mean, most);
  return text;
}

std::string hex(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string plural(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::string plan_text(const Plan& plan) {
  const auto stores = std::ranges::count_if(plan.nodes, &NodePlan::stores);
  return "mesh: " + plural(plan.nodes.size(), "node") + ", " + std::to_string(stores) +
         " of which store; " + plural(plan.requests.size(), "request") + ", " +
         plural(plan.faults.size(), "fault");
}

std::string result_text(const RunResult& result) {
  const auto& figures = result.figures;
  std::string out = "asked      " + std::to_string(figures.asked) + ", executed " +
                    std::to_string(figures.executed) + ", their node was down " +
                    std::to_string(figures.abandoned) + "\nanswers   ";
  for (std::size_t i = 0; i < figures.by_status.size(); ++i) {
    if (figures.by_status[i] == 0) continue;
    out += " " + std::string{to_string(static_cast<StatusCode>(i))} + " " +
           std::to_string(figures.by_status[i]);
  }
  out += "\nlatency    " + latencies(figures.latencies_us) + "\nhops       " + hops(figures.hops);
  out += "\nlate       " + std::to_string(figures.late) + " executed after their asker's deadline";
  if (figures.late > 0) {
    out += ", by " + millis(static_cast<std::uint32_t>(figures.late_most.count())) +
           " at most; explained are " +
           millis(static_cast<std::uint32_t>(figures.late_allowed.count()));
  }
  out += "\nscans      " + std::to_string(figures.scans) + " of a bucket's keys, to their end";
  if (figures.changes > 0) {
    out += "\nchanges    " + std::to_string(figures.changes) + " told to those who follow a bucket";
  }
  if (figures.crashes > 0) {
    out += "\ndisks      " + std::to_string(figures.crashes) + " judged, each when its node ended";
  }
  out += "\nin flight  " + std::to_string(result.in_flight_max) + " at most, " +
         std::to_string(result.in_flight_of_one_max) + " of one node\n";
  out += "time       " + std::to_string(result.ended.count() / 1000) + " ms of the mesh, " +
         std::to_string(result.events) + " events\ntrace      " + hex(result.trace) + "\n";
  return out;
}

std::string violations_text(const Violations& violations) {
  std::string out;
  for (const auto& [check, text] : violations.found()) {
    out.append("BROKEN ").append(check).append(": ").append(text).append("\n");
  }
  return out;
}

}  // namespace kvmesh::sim
